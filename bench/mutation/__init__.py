"""`make mutation`: whether a unit test notices every change of the pure core."""
