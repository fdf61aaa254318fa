"""Stage `corpus`: what adapters are trained on, its sources and its composition."""
