"""Learned cost curves and costs to come."""
