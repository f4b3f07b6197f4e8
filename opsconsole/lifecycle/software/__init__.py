"""A repo's runs: started, bisected, and summed up as the state of its branch."""
