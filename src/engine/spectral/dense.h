// The little dense linear algebra that models need besides products: eigenvectors of a small
// symmetric matrix, factor and inverse of a positive definite one, an orthonormal basis.
//
// Matrices lie row after row. Every sum has one order, whatever the number of workers.
#pragma once

#include <cstddef>
#include <vector>

#include "base/progress.h"
#include "base/result.h"
#include "engine/graph/workers.h"

namespace vitrine::spectral {

struct Eigen {
  std::vector<double> values;   // falling
  std::vector<double> vectors;  // row r: the unit eigenvector of values[r]
};
// Of a symmetric n x n matrix (its lower half is read): Householder tridiagonalisation and implicit
// QL (Wilkinson and Reinsch, Handbook for Automatic Computation, 1971). About 9 n^3 operations on
// one thread; meant for n up to about 1,000. kInternal if an eigenvalue does not converge, which
// only values that are not finite bring about.
Result<Eigen> symmetric_eigen(std::vector<double> matrix, std::size_t n);

// Replaces the lower half of a positive definite n x n matrix by its Cholesky factor L, M = L L^T;
// the upper half is not touched. Blocked: n^3 / 3 multiplications, nearly all in products.
// kInvalidArgument where the matrix is not positive definite.
Status cholesky(float* matrix, std::size_t n, graph::Workers& workers,
                Progress& progress = no_progress());

// Replaces a positive definite matrix by its inverse, both halves. n^3 multiplications, and
// n x 256 floats of scratch. Errors as cholesky().
Status invert_positive(float* matrix, std::size_t n, graph::Workers& workers,
                       Progress& progress = no_progress());

// Replaces the columns of x (rows x cols) by an orthonormal basis of the same space (Cholesky QR).
// kInvalidArgument where they are linearly dependent as far as floats can tell.
Status orthonormalise(std::vector<float>& x, std::size_t rows, std::size_t cols,
                      graph::Workers& workers);

}  // namespace vitrine::spectral
