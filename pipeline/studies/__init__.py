"""What is not the main job: backtests, placebos and routes to impact on their own."""
