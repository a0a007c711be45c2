"""How the committed weights were made; needs scikit-learn and the data sets, neither of which runs in production."""
