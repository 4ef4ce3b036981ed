"""What every part uses: programs, locks, ports, progress."""
