"""What is true in the shop, whoever asks: values, rules and refusals. No input, no output, no clock."""
