/*
  The linear systems at a solution of a variational inequality, and what goes into them.

  R = [J_II 0; 0 d I] in place of J, with d of the size of its diagonal: symmetric where J is. F_m counts on I only. Where a
  block of parameters is a bound, with u_A = l_A the right-hand side is

    [-F_{m,I} dm - J_IA dl_A; d dl_A],   and in the adjoint  lbar_A = d lambda_A - (J^H [lambda_I; 0])_A.
*/
#include "../private/diniactiveimpl.h"

/* Zero in the entries that are held */
PetscErrorCode DiniActiveProject_Private(Dini dini, Vec v)
{
  DiniActive   a = dini->active;
  PetscScalar *x;

  PetscFunctionBegin;
  if (!a || !a->counts[0]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecGetArray(v, &x));
  for (PetscInt k = 0; k < a->n; k++) x[a->local[k]] = 0.0;
  PetscCall(VecRestoreArray(v, &x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* v itself, or its part on the inactive set in a vector of ours */
PetscErrorCode DiniActivePart_Private(Dini dini, Vec v, Vec *part)
{
  DiniActive a = dini->active;

  PetscFunctionBegin;
  *part = v;
  if (!a || !a->counts[0]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecCopy(v, a->w[2]));
  PetscCall(DiniActiveProject_Private(dini, a->w[2]));
  *part = a->w[2];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- J and P ---- */

/* R starts as J with every diagonal entry in its pattern; *pattern is J's, or -1 where R had to be given more */
static PetscErrorCode DiniActiveReducedCreate(Dini dini, Mat J, Mat *R, PetscObjectState *pattern)
{
  PetscBool        zeroes, rows;
  PetscInt         first, last;
  MatType          type;
  PetscObjectState before, after, state;

  PetscFunctionBegin;
  PetscCall(MatGetType(J, &type));
  PetscCall(MatHasOperation(J, MATOP_GET_ROW, &rows));
  PetscCheck(rows, PetscObjectComm((PetscObject)dini), PETSC_ERR_SUP,
             "The derivative of a variational inequality takes rows and columns out of the Jacobian, which a matrix of "
             "type %s does not allow; assemble it (-snes_fd_color, or a callback)",
             type);
  PetscCall(MatHasOperation(J, MATOP_ZERO_ROWS_COLUMNS, &zeroes));
  if (zeroes) PetscCall(MatDuplicate(J, MAT_COPY_VALUES, R));
  else PetscCall(MatConvert(J, MATAIJ, MAT_INITIAL_MATRIX, R));
  PetscCall(MatSetOption(*R, MAT_NEW_NONZERO_ALLOCATION_ERR, PETSC_FALSE));
  PetscCall(MatSetOption(*R, MAT_KEEP_NONZERO_PATTERN, PETSC_TRUE));
  PetscCall(MatGetNonzeroState(*R, &before));
  PetscCall(MatGetOwnershipRange(*R, &first, &last));
  for (PetscInt i = first; i < last; i++) PetscCall(MatSetValue(*R, i, i, 0.0, ADD_VALUES));
  PetscCall(MatAssemblyBegin(*R, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*R, MAT_FINAL_ASSEMBLY));
  PetscCall(MatGetNonzeroState(*R, &after));
  PetscCall(MatGetNonzeroState(J, &state));
  *pattern = zeroes && after == before ? state : -1;
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, pattern, 1, MPIU_INT64, MPI_MIN, PetscObjectComm((PetscObject)dini)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* R = J without the rows and columns that are held. The matrix is kept from one point to the next, as its pattern is. */
static PetscErrorCode DiniActiveReduced(Dini dini, Mat J, Mat *kept, Mat *R, PetscObjectState *pattern)
{
  DiniActive       a = dini->active;
  const PetscInt  *rows;
  PetscObjectState state;
  PetscInt64       mine, same;
  MatNullSpace     null, transposed, near;

  PetscFunctionBegin;
  PetscCall(MatGetNonzeroState(J, &state));
  mine = *R && *kept == J && *pattern == state;
  PetscCall(MPIU_Allreduce(&mine, &same, 1, MPIU_INT64, MPI_MIN, PetscObjectComm((PetscObject)dini)));
  if (same) PetscCall(DiniMatCopy_Private(J, *R, SAME_NONZERO_PATTERN));
  else {
    PetscCall(MatDestroy(R));
    PetscCall(DiniActiveReducedCreate(dini, J, R, pattern));
  }
  PetscCall(PetscObjectReference((PetscObject)J));
  PetscCall(MatDestroy(kept));
  *kept = J;
  PetscCall(ISGetIndices(a->held, &rows));
  PetscCall(MatZeroRowsColumns(*R, a->n, rows, a->diagonal, NULL, NULL));
  PetscCall(ISRestoreIndices(a->held, &rows));
  PetscCall(MatGetNullSpace(J, &null));
  PetscCall(MatGetTransposeNullSpace(J, &transposed));
  PetscCall(MatGetNearNullSpace(J, &near));
  PetscCall(MatSetNullSpace(*R, a->counts[0] ? NULL : null)); /* one entry that is held, and there is none left */
  PetscCall(MatSetTransposeNullSpace(*R, a->counts[0] ? NULL : transposed));
  PetscCall(MatSetNearNullSpace(*R, near));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J and P of F at the point become those of the linear systems. */
PetscErrorCode DiniActiveReduce_Private(Dini dini, Mat *J, Mat *P)
{
  DiniActive a = dini->active;
  Mat        trueP;

  PetscFunctionBegin;
  if (!a || !*J) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniActiveUnchanged_Private(dini));
  PetscCall(DiniActiveFind_Private(dini, *J));
  PetscCheck(!a->counts[1] || dini->weakactivity != DINI_WEAK_ACTIVITY_ERROR, PetscObjectComm((PetscObject)dini),
             PETSC_ERR_ARG_WRONGSTATE,
             "%" PetscInt_FMT " entries of u are weakly active (at a bound, with F = 0 to -dini_weak_activity_rtol %g "
             "and to what the forward solve has left): there u(m) has directional derivatives only. Solve more "
             "tightly, move m, or take one side with -dini_weak_activity inactive or active",
             a->counts[1], (double)dini->weakrtol);
  trueP = *P;
  PetscCall(DiniActiveReduced(dini, *J, &a->J, &a->RJ, &a->patternJ));
  if (trueP == a->J) {
    PetscCall(MatDestroy(&a->P));
    PetscCall(MatDestroy(&a->RP));
    PetscCall(PetscObjectReference((PetscObject)a->J));
    a->P = a->J;
    *P   = a->RJ;
  } else {
    if (a->P == a->J) PetscCall(MatDestroy(&a->P));
    PetscCall(DiniActiveReduced(dini, trueP, &a->P, &a->RP, &a->patternP));
    *P = a->RP;
  }
  *J = a->RJ;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J and P of F in place of those of the linear systems */
PetscErrorCode DiniActiveFull_Private(Dini dini, Mat *J, Mat *P)
{
  PetscFunctionBegin;
  if (!dini->active || !*J) PetscFunctionReturn(PETSC_SUCCESS);
  *J = dini->active->J;
  *P = dini->active->P;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- Right-hand sides ---- */

/* w[0] = values on the held entries that a bound of `bound` holds, zero elsewhere; `from` has the layout of u */
static PetscErrorCode DiniActiveOnBound(Dini dini, const PetscBool bound[2], Vec from, Vec to)
{
  DiniActive         a = dini->active;
  const PetscScalar *x;
  PetscScalar       *y;

  PetscFunctionBegin;
  PetscCall(VecSet(to, 0.0));
  PetscCall(VecGetArrayRead(from, &x));
  PetscCall(VecGetArray(to, &y));
  for (PetscInt k = 0; k < a->n; k++)
    if (bound[a->side[k]]) y[a->local[k]] = x[a->local[k]];
  PetscCall(VecRestoreArray(to, &y));
  PetscCall(VecRestoreArrayRead(from, &x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y += [J_IA v_A; -d v_A] for v in w[0]: minus the right-hand side that gives du_A = v_A */
static PetscErrorCode DiniActiveAddBound(Dini dini, PetscScalar sign, Vec y)
{
  DiniActive a = dini->active;

  PetscFunctionBegin;
  PetscCall(MatMult(a->J, a->w[0], a->w[1]));
  PetscCall(DiniActiveProject_Private(dini, a->w[1]));
  PetscCall(VecAXPY(a->w[1], -a->diagonal, a->w[0]));
  PetscCall(VecAXPY(y, sign, a->w[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Which bounds are this very Vec? */
static PetscErrorCode DiniActiveIsBound(Dini dini, Vec m, PetscBool bound[2], PetscBool *any)
{
  Vec bounds[2] = {NULL, NULL};

  PetscFunctionBegin;
  if (dini->active) DiniSNESBounds_Private(dini->active->snes, bounds);
  for (int i = 0; i < 2; i++) bound[i] = (PetscBool)(m && bounds[i] == m);
  *any = (PetscBool)(bound[DINI_LOWER] || bound[DINI_UPPER]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y += what the block m, where it is a bound, adds to F_m dm; *zero is false then */
PetscErrorCode DiniActiveTangent_Private(Dini dini, Vec m, Vec dm, Vec y, PetscBool *zero)
{
  PetscBool bound[2], is;

  PetscFunctionBegin;
  PetscCall(DiniActiveIsBound(dini, m, bound, &is));
  if (!is || !dini->active->counts[0]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniActiveOnBound(dini, bound, dm, dini->active->w[0]));
  PetscCall(DiniActiveAddBound(dini, 1.0, y));
  *zero = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* mbar += what the block m, where it is a bound, adds to F_m^H lambda: -d lambda_A + (J^H [lambda_I; 0])_A, part = [lambda_I; 0] */
PetscErrorCode DiniActiveAdjoint_Private(Dini dini, Vec m, Vec lambda, Vec part, Vec mbar)
{
  DiniActive a = dini->active;
  PetscBool  bound[2], is;

  PetscFunctionBegin;
  PetscCall(DiniActiveIsBound(dini, m, bound, &is));
  if (!is || !a->counts[0]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MatMultHermitianTranspose(a->J, part, a->w[1]));
  PetscCall(VecAXPY(a->w[1], -a->diagonal, lambda));
  PetscCall(DiniActiveOnBound(dini, bound, a->w[1], a->w[0]));
  PetscCall(VecAXPY(mbar, 1.0, a->w[0]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* F at u becomes the right-hand side whose solution is the error of u: the distance to the bound in entries that are held */
PetscErrorCode DiniActiveStep_Private(Dini dini, Vec u, Vec F)
{
  DiniActive         a = dini->active;
  Vec                bounds[2];
  const PetscScalar *x, *b[2];
  PetscScalar       *v;

  PetscFunctionBegin;
  if (!a || !a->counts[0]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniActiveBounds_Private(dini, bounds));
  PetscCall(VecSet(a->w[0], 0.0));
  PetscCall(VecGetArrayRead(u, &x));
  PetscCall(VecGetArray(a->w[0], &v));
  for (int i = 0; i < 2; i++) PetscCall(VecGetArrayRead(bounds[i], &b[i]));
  for (PetscInt k = 0; k < a->n; k++) v[a->local[k]] = x[a->local[k]] - b[a->side[k]][a->local[k]];
  for (int i = 0; i < 2; i++) PetscCall(VecRestoreArrayRead(bounds[i], &b[i]));
  PetscCall(VecRestoreArray(a->w[0], &v));
  PetscCall(VecRestoreArrayRead(u, &x));
  PetscCall(DiniActiveProject_Private(dini, F));
  PetscCall(DiniActiveAddBound(dini, -1.0, F));
  PetscFunctionReturn(PETSC_SUCCESS);
}
