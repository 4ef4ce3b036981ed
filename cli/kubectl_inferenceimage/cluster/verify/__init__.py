"""`verify`: whether the registry and US3 have what the status says."""
