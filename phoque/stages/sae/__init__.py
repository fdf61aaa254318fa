"""Which sparse features the tuning moved: collect, train, compare, prove, report."""
