"""The SAE tab: which features the fine-tuning moved, and what says so."""
