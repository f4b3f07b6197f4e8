"""A repo's runs: started, searched for what broke, told as the state of its branch."""
