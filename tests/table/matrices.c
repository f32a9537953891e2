/* Matrices of the table's problems. */
#include "table.h"

/* exp(i (theta_b - theta_a)) between two points: a unitary change of variables, so that every spectrum stays as it is */
static PetscScalar Phase(PetscReal xa, PetscReal ya, PetscReal xb, PetscReal yb)
{
#if defined(PETSC_USE_COMPLEX)
  return PetscExpComplex(PETSC_i * (2.0 * (xb - xa) + 0.7 * (yb - ya)));
#else
  (void)xa;
  (void)ya;
  (void)xb;
  (void)yb;
  return 1.0;
#endif
}

static PetscReal Conductivity(PetscReal x, PetscReal y)
{
  return PetscExpReal(PetscSinReal(5.0 * x) * PetscCosReal(4.0 * y));
}

/*
  h^2 (-div k grad u + Pe w.grad u), w = (y - 1/2, 1/2 - x) + (1, 1/2), upwind, on the points of a DMDA, with identity rows
  (times 4) on the boundary. The columns of the boundary are kept (couple) or dropped.
*/
PetscErrorCode TableGridAssemble(DM dm, PetscReal peclet, PetscBool couple, Mat A)
{
  DMDALocalInfo info;
  PetscReal     h;
  const int     di[4] = {-1, 1, 0, 0}, dj[4] = {0, 0, -1, 1};

  PetscFunctionBeginUser;
  PetscCall(DMDAGetLocalInfo(dm, &info));
  h = 1.0 / (PetscReal)(info.mx - 1);
  PetscCall(MatZeroEntries(A));
  for (PetscInt j = info.ys; j < info.ys + info.ym; j++) {
    for (PetscInt i = info.xs; i < info.xs + info.xm; i++) {
      const PetscReal x = h * (PetscReal)i, y = h * (PetscReal)j;
      const PetscReal w[2] = {y + 0.5, 1.0 - x};
      MatStencil      row  = {0}, col[5];
      PetscScalar     v[5];
      PetscInt        n = 1;

      row.i = i;
      row.j = j;
      for (int k = 0; k < 5; k++) col[k] = row;
      v[0] = 4.0;
      if (i > 0 && j > 0 && i < info.mx - 1 && j < info.my - 1) {
        v[0] = peclet != 0.0 ? DiniTestScalar(0.0, 20.0 * h * h) : 0.0;
        for (int k = 0; k < 4; k++) {
          const PetscInt  ik = i + di[k], jk = j + dj[k];
          const PetscReal xk = h * (PetscReal)ik, yk = h * (PetscReal)jk;
          const PetscReal c = Conductivity(0.5 * (x + xk), 0.5 * (y + yk)) +
                              h * peclet * PetscMax(0.0, -(w[0] * (PetscReal)di[k] + w[1] * (PetscReal)dj[k]));

          v[0] += c;
          if (!couple && (ik == 0 || jk == 0 || ik == info.mx - 1 || jk == info.my - 1)) continue;
          col[n].i = ik;
          col[n].j = jk;
          v[n++]   = -c * Phase(x, y, xk, yk);
        }
      }
      PetscCall(MatSetValuesStencil(A, 1, &row, n, col, v, INSERT_VALUES));
    }
  }
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* An empty parallel matrix of points with bs unknowns each; the points are dealt out in order. */
static PetscErrorCode PointMatrix(MPI_Comm comm, PetscInt points, PetscInt bs, PetscInt width, PetscInt *lo,
                                  PetscInt *hi, Mat *A)
{
  PetscInt n = PETSC_DECIDE, N = points, *sizes;

  PetscFunctionBeginUser;
  PetscCall(PetscSplitOwnership(comm, &n, &N));
  PetscCall(MatCreate(comm, A));
  PetscCall(MatSetSizes(*A, bs * n, bs * n, bs * N, bs * N));
  PetscCall(MatSetBlockSize(*A, bs));
  PetscCall(MatSetType(*A, MATAIJ));
  PetscCall(MatSeqAIJSetPreallocation(*A, width, NULL));
  PetscCall(MatMPIAIJSetPreallocation(*A, width, NULL, width, NULL));
  PetscCall(MatGetOwnershipRange(*A, lo, hi));
  *lo /= bs;
  *hi /= bs;
  PetscCall(PetscMalloc1(n, &sizes));
  for (PetscInt i = 0; i < n; i++) sizes[i] = bs;
  PetscCall(MatSetVariableBlockSizes(*A, n, sizes));
  PetscCall(PetscFree(sizes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  PetscInt i, j, field;
} Unknown;

static Unknown At(PetscInt i, PetscInt j, PetscInt field)
{
  const Unknown at = {i, j, field};

  return at;
}

/* One entry between the unknowns c and d of an n x n grid; entries outside the grid are dropped. */
static PetscErrorCode SaddleAdd(Mat A, PetscInt n, Unknown c, Unknown d, PetscScalar v)
{
  const PetscReal h   = 1.0 / (PetscReal)n;
  const PetscInt  row = 3 * (c.i + n * c.j) + c.field, col = 3 * (d.i + n * d.j) + d.field;

  PetscFunctionBeginUser;
  if (d.i < 0 || d.j < 0 || d.i >= n || d.j >= n) PetscFunctionReturn(PETSC_SUCCESS);
  v *= Phase(h * (PetscReal)c.i, h * (PetscReal)c.j, h * (PetscReal)d.i, h * (PetscReal)d.j);
  PetscCall(MatSetValues(A, 1, &row, 1, &col, &v, ADD_VALUES));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Oseen's equations on staggered cells: velocities on the east and north faces, pressures in the middle, walls in the west
  and south, open in the east and north; the wind blows along x. A little of the pressure in the continuity equation.
*/
PetscErrorCode TableSaddleCreate(MPI_Comm comm, PetscInt n, Mat *A, IS field[2])
{
  const PetscInt di[4] = {-1, 1, 0, 0}, dj[4] = {0, 0, -1, 1};
  PetscInt       lo, hi, *rows;

  PetscFunctionBeginUser;
  PetscCall(PointMatrix(comm, n * n, 3, 12, &lo, &hi, A));
  for (PetscInt c = lo; c < hi; c++) {
    const PetscInt i = c % n, j = c / n;

    for (PetscInt f = 0; f < 2; f++) {
      PetscCall(SaddleAdd(*A, n, At(i, j, f), At(i, j, f), DiniTestScalar(5.0, 0.3)));
      for (int k = 0; k < 4; k++)
        PetscCall(SaddleAdd(*A, n, At(i, j, f), At(i + di[k], j + dj[k], f), k == 0 ? -2.0 : -1.0));
      PetscCall(SaddleAdd(*A, n, At(i, j, f), At(i, j, 2), -1.0)); /* pressure gradient */
      PetscCall(SaddleAdd(*A, n, At(i, j, f), At(i + !f, j + f, 2), 1.0));
      PetscCall(SaddleAdd(*A, n, At(i, j, 2), At(i, j, f), -1.0)); /* minus divergence */
      PetscCall(SaddleAdd(*A, n, At(i, j, 2), At(i - !f, j - f, f), 1.0));
    }
    PetscCall(SaddleAdd(*A, n, At(i, j, 2), At(i, j, 2), -0.1));
  }
  PetscCall(MatAssemblyBegin(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(PetscMalloc1(2 * (hi - lo), &rows));
  for (PetscInt c = lo; c < hi; c++)
    for (PetscInt f = 0; f < 2; f++) rows[2 * (c - lo) + f] = 3 * c + f;
  PetscCall(ISCreateGeneral(comm, 2 * (hi - lo), rows, PETSC_OWN_POINTER, &field[0]));
  PetscCall(ISCreateStride(comm, hi - lo, 3 * lo + 2, 3, &field[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Plane strain on one bilinear square, E = 1, nu = 0.3: two Gauss points each way; nodes counter-clockwise */
static void ElasticityElement(PetscReal K[8][8])
{
  const PetscReal nu = 0.3, mu = 0.5 / (1.0 + nu), la = nu / ((1.0 + nu) * (1.0 - 2.0 * nu));
  const PetscReal sx[4] = {-1, 1, 1, -1}, sy[4] = {-1, -1, 1, 1}, g = 1.0 / PetscSqrtReal(3.0);

  for (int r = 0; r < 8; r++)
    for (int s = 0; s < 8; s++) K[r][s] = 0.0;
  for (int q = 0; q < 4; q++) {
    PetscReal d[4][2]; /* gradients on the reference square times h/2, which the element's area cancels */

    for (int a = 0; a < 4; a++) {
      d[a][0] = 0.25 * sx[a] * (1.0 + sy[a] * g * sy[q]);
      d[a][1] = 0.25 * sy[a] * (1.0 + sx[a] * g * sx[q]);
    }
    for (int a = 0; a < 4; a++)
      for (int b = 0; b < 4; b++)
        for (int r = 0; r < 2; r++)
          for (int s = 0; s < 2; s++)
            K[2 * a + r][2 * b + s] += la * d[a][r] * d[b][s] + mu * d[a][s] * d[b][r] +
                                       (r == s ? mu * (d[a][0] * d[b][0] + d[a][1] * d[b][1]) : 0.0);
  }
}

/* Rigid motions, turned by the phases like everything else */
static PetscErrorCode ElasticityNearNullSpace(Mat A, PetscInt n, PetscInt lo, PetscInt hi)
{
  const PetscReal h = 1.0 / (PetscReal)n;
  Vec             z[3];
  MatNullSpace    near;
  PetscScalar     dot;

  PetscFunctionBeginUser;
  for (int k = 0; k < 3; k++) {
    PetscCall(MatCreateVecs(A, &z[k], NULL));
    for (PetscInt c = lo; c < hi; c++) {
      const PetscReal   x = h * (PetscReal)(c % n + 1), y = h * (PetscReal)(c / n);
      const PetscScalar p     = Phase(x, y, 0.0, 0.0);
      const PetscScalar v[2]  = {k == 0 ? p : (k == 2 ? -y * p : 0.0), k == 1 ? p : (k == 2 ? x * p : 0.0)};
      const PetscInt    at[2] = {2 * c, 2 * c + 1};

      PetscCall(VecSetValues(z[k], 2, at, v, INSERT_VALUES));
    }
    PetscCall(VecAssemblyBegin(z[k]));
    PetscCall(VecAssemblyEnd(z[k]));
    for (int l = 0; l < k; l++) {
      PetscCall(VecDot(z[k], z[l], &dot));
      PetscCall(VecAXPY(z[k], -dot, z[l]));
    }
    PetscCall(VecNormalize(z[k], NULL));
  }
  PetscCall(MatNullSpaceCreate(PetscObjectComm((PetscObject)A), PETSC_FALSE, 3, z, &near));
  PetscCall(MatSetNearNullSpace(A, near));
  PetscCall(MatNullSpaceDestroy(&near));
  for (int k = 0; k < 3; k++) PetscCall(VecDestroy(&z[k]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A square of n x n elements, clamped in the west, where the nodes are left out: n (n + 1) nodes with two unknowns. */
PetscErrorCode TableElasticityCreate(MPI_Comm comm, PetscInt n, Mat *A)
{
  const PetscReal h     = 1.0 / (PetscReal)n;
  const PetscInt  ai[4] = {0, 1, 1, 0}, aj[4] = {0, 0, 1, 1};
  PetscInt        lo, hi;
  PetscReal       K[8][8];

  PetscFunctionBeginUser;
  PetscCall(PointMatrix(comm, n * (n + 1), 2, 18, &lo, &hi, A));
  ElasticityElement(K);
  for (PetscInt e = 0; e < n * n; e++) { /* every rank looks at all elements and keeps the rows that are its own */
    for (int a = 0; a < 4; a++) {
      const PetscInt i = e % n + ai[a], j = e / n + aj[a], row = i - 1 + n * j;

      if (i == 0 || row < lo || row >= hi) continue;
      for (int b = 0; b < 4; b++) {
        const PetscInt    k = e % n + ai[b], l = e / n + aj[b], col = k - 1 + n * l;
        const PetscInt    rows[2] = {2 * row, 2 * row + 1}, cols[2] = {2 * col, 2 * col + 1};
        const PetscScalar p = Phase(h * (PetscReal)i, h * (PetscReal)j, h * (PetscReal)k, h * (PetscReal)l);
        PetscScalar       v[4];

        if (k == 0) continue;
        for (int r = 0; r < 2; r++)
          for (int s = 0; s < 2; s++) v[2 * r + s] = p * K[2 * a + r][2 * b + s];
        PetscCall(MatSetValues(*A, 2, rows, 2, cols, v, ADD_VALUES));
      }
    }
  }
  PetscCall(MatAssemblyBegin(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(ElasticityNearNullSpace(*A, n, lo, hi));
  PetscFunctionReturn(PETSC_SUCCESS);
}
