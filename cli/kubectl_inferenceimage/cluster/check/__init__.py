"""`check`: whether the installation is sound, and fits the person's rights and the namespace."""
