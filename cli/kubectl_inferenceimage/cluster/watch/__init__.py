"""`watch`: one object until its run ends."""
