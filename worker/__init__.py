"""The worker: woken by doorbells, it claims inquiries, has them analysed and reports the result. It holds no state."""
