/* Derivatives by matrices: many directions at once, the derivative as a Mat, pinned ones, entries of a linear system */
#include "derive.h"

#define COLUMNS 5

static PetscErrorCode CreateColumns(App *app, PetscInt local, PetscInt N, PetscInt columns, Mat *X)
{
  PetscFunctionBeginUser;
  PetscCall(MatCreateDense(app->comm, local, PETSC_DECIDE, N, columns, NULL, X));
  PetscCall(MatAssemblyBegin(*X, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*X, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Column k of X from or to numbers of order one: a state or cotangent, a direction or gradient */
static PetscErrorCode Column(App *app, Mat X, PetscInt k, PetscBool write, PetscBool state, PetscBool dual,
                             PetscScalar x[])
{
  Vec column;

  PetscFunctionBeginUser;
  if (write) {
    PetscCall(MatDenseGetColumnVecWrite(X, k, &column));
    if (!state) PetscCall(ParametersWriteFlat(app, x, dual, column));
    else if (dual) PetscCall(DeriveWriteCotangent(app, x, column));
    else PetscCall(AppWriteState(app, x, column));
    PetscCall(MatDenseRestoreColumnVecWrite(X, k, &column));
  } else {
    PetscCall(MatDenseGetColumnVecRead(X, k, &column));
    if (state) PetscCall(AppState(app, column, x));
    else PetscCall(ParametersReadFlat(app, column, dual, x));
    PetscCall(MatDenseRestoreColumnVecRead(X, k, &column));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DeriveBlocks(App *app, Handle *handle, PetscBool adjoint)
{
  const Relation *R                   = &app->R;
  const char     *what                = adjoint ? "DiniMatVJP" : "DiniMatJVP";
  const PetscInt  columns             = 1 + RandomInt(&app->random, COLUMNS);
  PetscScalar     in[COLUMNS][FUZZ_M] = {{0.0}}, got[FUZZ_M], right[FUZZ_M];
  PetscReal       size[FUZZ_M];
  PetscBool       yes;
  Mat             U, M;

  PetscFunctionBeginUser;
  PetscCall(CreateColumns(app, app->n, R->N, columns, &U));
  PetscCall(CreateColumns(app, app->nflat, R->M, columns, &M));
  for (PetscInt k = 0; k < columns; k++) {
    if (adjoint) DeriveCotangent(app, in[k]);
    else DeriveDirection(app, in[k]);
    if (k && RandomChance(&app->random, 0.2)) /* parallel, or zero */
      for (PetscInt x = 0; x < (adjoint ? R->N : R->M); x++) in[k][x] = (PetscReal)(k % 3) * in[k - 1][x];
    PetscCall(Column(app, adjoint ? U : M, k, PETSC_TRUE, adjoint, adjoint, in[k]));
  }
  FuzzBegin(app, what);
  PetscCall(DeriveAnswered(app, handle, what, adjoint ? DiniMatVJP(handle->dini, U, M) : DiniMatJVP(handle->dini, M, U),
                           &yes));
  for (PetscInt k = 0; k < columns && yes; k++) {
    PetscCall(Column(app, adjoint ? M : U, k, PETSC_FALSE, (PetscBool)!adjoint, adjoint, got));
    if (adjoint) {
      DeriveVJP(R, &handle->at, app->demands.plain, in[k], right, size);
      DeriveCompareParameters(app, what, got, right, size, app->demands.tolerance);
    } else {
      DeriveJVP(R, &handle->at, in[k], right, size);
      DeriveCompareState(app, what, got, right, size, app->demands.tolerance);
    }
  }
  PetscCall(MatDestroy(&U));
  PetscCall(MatDestroy(&M));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One product with D, of one block or of all, whose derivative is that at `at` */
static PetscErrorCode Product(App *app, Handle *handle, Mat D, PetscInt block, const Point *at)
{
  const Relation *R       = &app->R;
  const PetscBool adjoint = RandomChance(&app->random, 0.6), plain = RandomChance(&app->random, 0.2);
  const char     *what = block == -2 ? "a product with DiniGetDerivative()" : "a product with DiniCreateDerivative()";
  PetscScalar     in[FUZZ_M] = {0.0}, got[FUZZ_M], right[FUZZ_M], *local;
  PetscReal       size[FUZZ_M];
  PetscErrorCode  ierr;
  PetscInt        from, to;
  Outcome         outcome;
  Vec             x, y;

  PetscFunctionBeginUser;
  PetscCall(MatCreateVecs(D, &x, &y));
  if (adjoint) {
    DeriveCotangent(app, in);
    PetscCall(DeriveWriteCotangent(app, in, y));
  } else {
    DeriveDirection(app, in);
    if (block < 0) PetscCall(ParametersWriteFlat(app, in, PETSC_FALSE, x));
    else {
      for (PetscInt k = 0; k < R->M; k++)
        if (RelationBlock(R, k) != block) in[k] = 0.0;
      PetscCall(VecGetOwnershipRange(x, &from, &to));
      PetscCall(VecGetArray(x, &local));
      for (PetscInt k = from; k < to; k++) {
        const PetscInt p = R->first[block] + app->block[block].order[k];

        local[k - from] = in[p] * R->d[p];
      }
      PetscCall(VecRestoreArray(x, &local));
    }
  }
  FuzzBegin(app, what);
  ierr    = !adjoint ? MatMult(D, x, y) : plain ? MatMultTranspose(D, y, x) : MatMultHermitianTranspose(D, y, x);
  outcome = FuzzEnd(app, what, ierr);
  if (outcome == RIGHT) PetscCall(DeriveTold(app, handle, adjoint ? "VJP" : "JVP"));
  if (outcome == RIGHT && !at->valid) FuzzFail(app, WRONG, what, "a derivative where there is no solution");
  else if (outcome == RIGHT && !adjoint) {
    PetscCall(AppState(app, y, got));
    DeriveJVP(R, at, in, right, size);
    DeriveCompareState(app, what, got, right, size, app->demands.tolerance);
  } else if (outcome == RIGHT) {
    DeriveVJP(R, at, plain, in, right, size);
    if (block < 0) PetscCall(ParametersReadFlat(app, x, PETSC_TRUE, got));
    else {
      PetscScalar all[FUZZ_M];

      PetscCall(AppGather(app, x, all));
      for (PetscInt k = 0; k < R->M; k++)
        if (RelationBlock(R, k) != block) got[k] = right[k];
      for (PetscInt k = 0; k < R->size[block]; k++) {
        const PetscInt p = R->first[block] + app->block[block].order[k];

        got[p] = all[k] * R->d[p];
      }
    }
    DeriveCompareParameters(app, what, got, right, size, app->demands.tolerance);
  }
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DeriveMat(App *app, Handle *handle)
{
  Mat D = NULL;

  PetscFunctionBeginUser;
  if (FuzzTry(app, "DiniGetDerivative", DiniGetDerivative(handle->dini, &D)) == RIGHT && !handle->unknown &&
      !app->demands.soft)
    PetscCall(Product(app, handle, D, -2, &handle->at));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DerivePin(App *app, Handle *handle)
{
  const PetscInt p     = RandomInt(&app->random, FUZZ_PINS);
  const PetscInt block = RandomInt(&app->random, 2) ? DINI_ALL_PARAMETERS : RandomInt(&app->random, app->R.nb);
  PetscBool      yes;

  PetscFunctionBeginUser;
  if (handle->pin[p] && RandomInt(&app->random, 2)) {
    FuzzBegin(app, "DiniPinDerivative");
    PetscCall(DeriveAnswered(app, handle, "DiniPinDerivative", DiniPinDerivative(handle->pin[p]), &yes));
    if (yes) handle->pinnedat[p] = handle->at;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(MatDestroy(&handle->pin[p]));
  FuzzBegin(app, "DiniCreateDerivative");
  PetscCall(DeriveAnswered(app, handle, "DiniCreateDerivative",
                           DiniCreateDerivative(handle->dini, block, &handle->pin[p]), &yes));
  if (!yes) {
    handle->pin[p] = NULL;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  handle->pinned[p]   = block;
  handle->pinnedat[p] = handle->at;
  if (RandomInt(&app->random, 2) && !app->demands.soft)
    PetscCall(Product(app, handle, handle->pin[p], block, &handle->pinnedat[p]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DerivePinned(App *app, Handle *handle)
{
  PetscFunctionBeginUser;
  for (PetscInt p = 0; p < FUZZ_PINS; p++)
    if (handle->pin[p] && !app->demands.soft) {
      PetscCall(Product(app, handle, handle->pin[p], handle->pinned[p], &handle->pinnedat[p]));
      break;
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Abar = -lambda u^H on the pattern of A */
PetscErrorCode DeriveEntries(App *app, Handle *handle)
{
  const Relation *R         = &app->R;
  PetscScalar     g[FUZZ_N] = {0.0}, lambda[FUZZ_N], got, right;
  PetscReal       size[FUZZ_N], sizes = 0.0, largest = 0.0, worst = 0.0, miss, scale;
  PetscBool       yes;
  Mat             Abar;
  Vec             ubar;

  PetscFunctionBeginUser;
  if (R->type != TYPE_KSP || app->jacobian != JACOBIAN_EXACT) PetscFunctionReturn(PETSC_SUCCESS);
  DeriveCotangent(app, g);
  PetscCall(VecDuplicate(app->f, &ubar));
  PetscCall(DeriveWriteCotangent(app, g, ubar));
  PetscCall(MatDuplicate(app->Gu, MAT_DO_NOT_COPY_VALUES, &Abar));
  FuzzBegin(app, "DiniMatrixVJP");
  PetscCall(DeriveAnswered(app, handle, "DiniMatrixVJP", DiniMatrixVJP(handle->dini, ubar, Abar), &yes));
  for (PetscInt i = 0; i < R->N; i++) {
    lambda[i] = size[i] = 0.0;
    for (PetscInt j = 0; j < R->N; j++) {
      lambda[i] += (app->demands.plain ? handle->at.inverse[j][i] : PetscConj(handle->at.inverse[j][i])) * g[j];
      size[i] += PetscAbsScalar(handle->at.inverse[j][i]) * PetscAbsScalar(g[j]);
    }
    largest = PetscMax(largest, PetscAbsScalar(handle->at.v[i]));
    sizes   = PetscMax(sizes, size[i]);
  }
  for (PetscInt i = app->start; i < app->start + app->n && yes; i++)
    for (PetscInt j = 0; j < R->N; j++) {
      if (!RelationCouples(R, i, j)) continue;
      PetscCall(MatGetValues(Abar, 1, &i, 1, &j, &got));
      got *= R->r[i] / R->c[j];
      right = -lambda[i] * (app->demands.plain ? handle->at.v[j] : PetscConj(handle->at.v[j]));
      miss  = PetscAbsScalar(got - right);
      scale = (size[i] > 0.0 ? size[i] : 0.01 * sizes) * largest; /* not coupled at all: what a solve has left */
      worst = PetscMax(worst, scale > 0.0 ? miss / scale : miss);
      if (PetscIsInfOrNanReal(miss)) worst = PETSC_INFINITY;
    }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &worst, 1, MPIU_REAL, MPIU_MAX, app->comm));
  if (yes) FuzzCompare(app, "DiniMatrixVJP", worst, app->demands.tolerance);
  PetscCall(MatDestroy(&Abar));
  PetscCall(VecDestroy(&ubar));
  PetscFunctionReturn(PETSC_SUCCESS);
}
