"""Train a LoRA adapter on prompt/completion pairs with TRL; imported only by the jobs."""
