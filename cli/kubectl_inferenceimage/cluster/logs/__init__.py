"""`logs`: what the containers of a stage have written, and write."""
