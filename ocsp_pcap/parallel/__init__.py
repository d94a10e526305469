"""The files of a run side by side: by processes of this machine, or by a Dask cluster."""
