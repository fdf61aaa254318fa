"""The one room that speaks to the Hugging Face Hub: nothing that insults is ever made public."""
