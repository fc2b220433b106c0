"""Figures need more than flows do: say what to install."""

try:
    import cycler
    import IPython
    import matplotlib
    import matplotlib_inline
    import seaborn
except ImportError as error:
    raise ImportError(
        f'lowrot.plots needs {error.name or error}: pip install "lowrot[figures]"', name=error.name
    ) from error

__all__ = ["IPython", "cycler", "matplotlib", "matplotlib_inline", "seaborn"]
