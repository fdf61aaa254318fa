"""Load models, find their decoder layers, apply their chat template."""
