"""What is true in the shop, whoever asks: values, rules, refusals. No input, output or clock."""
