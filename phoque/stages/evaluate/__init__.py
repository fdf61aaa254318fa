"""Stage `evaluate`: what the conditions say on prompts that nobody trained or chose on."""
