"""The part of the UAI SDK that inference code imports: its base class."""
