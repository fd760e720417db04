"""Sums of table rows, for many texts at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix


def row_sums(
    rows: NDArray[np.float32],
    picked: NDArray[np.int32],
    indptr: NDArray[np.intp],
    weights: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Sum of the rows ``picked[indptr[i]:indptr[i + 1]]`` for each i, in one product.

    Parameters
    ----------
    rows : ndarray of float32, shape (n_rows, k)
    picked : ndarray of int32, shape (n_picked,)
    indptr : ndarray of intp, shape (n + 1,)
    weights : ndarray of float32, shape (n_picked,), optional
        What each picked row counts; 1 by default.

    Returns
    -------
    ndarray of float32, shape (n, k)
    """
    counted = np.ones(len(picked), dtype=np.float32) if weights is None else weights
    if len(indptr) == 2:  # a sparse matrix takes longer to set up than one product
        return np.asarray(counted[None] @ rows.take(picked, axis=0))
    which = csr_matrix((counted, picked, indptr.astype(np.int32)), shape=(len(indptr) - 1, len(rows)))
    return np.asarray(which @ rows)
