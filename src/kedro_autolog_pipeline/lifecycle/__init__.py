"""Take one training from before its first node to READY models, or package a finished one again."""
