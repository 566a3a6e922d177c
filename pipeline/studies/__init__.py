"""Studies beside the pipeline's stages: backtests, the flow and the order route, placebos."""
