"""The depot: a folder with the base images of one Kaniko build and what it makes, served to it as a registry."""
