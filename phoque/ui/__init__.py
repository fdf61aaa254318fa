"""The Space: the only home of gradio."""
