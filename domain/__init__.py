"""Domain rules, the same for every caller: values, rules, refusals. No input, output or clock."""
