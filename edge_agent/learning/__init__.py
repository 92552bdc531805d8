"""The network: predicting and adapting, by NumPy, a kernel in C, or ONNX Runtime."""
