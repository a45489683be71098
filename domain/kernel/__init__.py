"""Values that every context uses: ids, money, addresses, timestamps, locales and errors."""
