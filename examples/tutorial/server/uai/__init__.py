"""What inference code imports from the SDK of UAI: the class that it inherits from."""
