/*
  The guards of the first linearization: what the application says of J and F_m is held against differences of F, see
  dinislope.c.
*/
#include "../private/diniguardimpl.h"

#if defined(PETSC_USE_COMPLEX)
static const PetscReal guardsteps[] = {1e-6, 1e-4, 1e-2, 1e-8, 1e-10};
#endif
#define GUARD_BENDS 0.1 /* in units of the slope, within the first step, as at a double root */

/*
  Along i v a holomorphic F changes by i times what it changes along v. F in w[0]; spoils v and d. Asked only where there are
  imaginary parts at all: a real problem in a complex build need not be holomorphic.
*/
PetscErrorCode DiniGuardHolomorphic_Private(Dini dini, DiniShift *residual, Vec v, void *ctx, Vec d,
                                            PetscBool *holomorphic)
{
  PetscFunctionBegin;
  PetscCall(DiniIsReal_Private(v, holomorphic));
#if defined(PETSC_USE_COMPLEX)
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(guardsteps) && !*holomorphic; i++) {
    PetscReal dnorm, enorm;

    PetscCall((*residual)(dini, guardsteps[i], v, ctx));
    PetscCall(VecWAXPY(d, -1.0, dini->w[0], dini->w[1]));
    PetscCall(VecScale(v, PETSC_i));
    PetscCall((*residual)(dini, guardsteps[i], v, ctx));
    PetscCall(VecScale(v, -PETSC_i));
    PetscCall(VecAXPY(dini->w[1], -1.0, dini->w[0]));
    PetscCall(VecAXPY(dini->w[1], -PETSC_i, d));
    PetscCall(DiniNorm_Private(d, &dnorm));
    PetscCall(DiniNorm_Private(dini->w[1], &enorm));
    if (enorm <= 1e-3 * dnorm) *holomorphic = PETSC_TRUE;
  }
#else
  (void)residual;
  (void)ctx;
  (void)d;
  (void)dini;
#endif
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* F(u + h v, m) in w[1]; the shifted state is built in r */
PetscErrorCode DiniShiftState_Private(Dini dini, PetscReal h, Vec v, void *ctx)
{
  PetscReal norm;

  PetscFunctionBegin;
  (void)ctx;
  PetscCall(VecWAXPY(dini->r, h, v, dini->u));
  PetscCall(DiniResidual_Private(dini, dini->r, dini->w[1], &norm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  An A that is applied by the application's code must stay that of the point when F is evaluated beside it: one that reads
  what the last residual has left behind, such as an inner solve, would follow every difference and line search. Av = A v.
*/
PetscErrorCode DiniGuardStays_Private(Dini dini, Mat A, const char what[], DiniShift *residual, Vec v, void *ctx,
                                      Vec Av, Vec work)
{
  PetscReal norm, change;
  PetscBool assembled, differenced;

  PetscFunctionBegin;
  PetscCall(MatHasOperation(A, MATOP_GET_ROW, &assembled));
  PetscCall(PetscObjectTypeCompare((PetscObject)A, MATMFFD, &differenced)); /* keeps its point, and is too noisy */
  if (assembled || differenced) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall((*residual)(dini, 1e-3, v, ctx));
  PetscCall(MatMult(A, v, work));
  PetscCall(VecAXPY(work, -1.0, Av));
  PetscCall(DiniNorm_Private(Av, &norm));
  PetscCall(DiniNorm_Private(work, &change));
  PetscCheck(change <= DINI_STAYS_RTOL * norm, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONG,
             "%s: %s does not stay at its point: its product changes by a relative %g when F is evaluated beside the "
             "point. It must keep the values that it was filled at; the derivative of an inner Dini has to be pinned, "
             "see DiniCreateDerivative()",
             DiniLabel_Private(dini), what, (double)(change / norm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* <w, A v> = <A^H w, v> catches a shell or a library whose transposed product is another matrix's */
PetscErrorCode DiniTestTranspose_Private(Dini dini, Mat A, Vec v, Vec Av, Vec w, Vec AHw, DiniTransposeTest *test)
{
  PetscScalar forward, adjoint;
  PetscReal   nw, nv, nAv, nAHw;

  PetscFunctionBegin;
  PetscCall(DiniRandomDirection_Private(dini, 2, Av, w));
  PetscCall(MatMultHermitianTranspose(A, w, AHw));
  PetscCall(VecDot(Av, w, &forward));  /* w^H (A v) */
  PetscCall(VecDot(v, AHw, &adjoint)); /* (A^H w)^H v */
  PetscCall(DiniNorm_Private(w, &nw));
  PetscCall(DiniNorm_Private(v, &nv));
  PetscCall(DiniNorm_Private(Av, &nAv));
  PetscCall(DiniNorm_Private(AHw, &nAHw));
  test->apart = PetscAbsScalar(forward - adjoint);
  test->size  = PetscMax(nw * nAv, nv * nAHw);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Who is to blame: the application for its own code and for what a matrix is told of itself, else PETSc */
PetscErrorCode DiniGuardTranspose_Private(Dini dini, Mat A, const char what[], const DiniTransposeTest *test)
{
  PetscBool own, set, symmetric = PETSC_FALSE, hermitian = PETSC_FALSE;
  MatType   type;

  PetscFunctionBegin;
  if (test->apart <= 1e-8 * test->size) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MatGetType(A, &type));
  PetscCall(PetscObjectTypeCompareAny((PetscObject)A, &own, MATSHELL, MATPYTHON, MATNEST, MATCOMPOSITE, ""));
  PetscCall(MatIsSymmetricKnown(A, &set, &symmetric));
  PetscCall(MatIsHermitianKnown(A, &set, &hermitian));
  PetscCheck(own || symmetric || hermitian, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONG,
             "%s: The transposed product of %s, a matrix of PETSc's type %s, does not belong to its product: <w, A v> "
             "and <A^H w, v> differ by %g where their size is %g. This is a fault of this PETSc, not of your matrix: "
             "take another type, such as aij (MatConvert(), -mat_type, DMSetMatType())",
             DiniLabel_Private(dini), what, type, (double)test->apart, (double)test->size);
  SETERRQ(PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONG,
          "%s: The adjoint product of %s does not belong to its product: <w, A v> and <A^H w, v> differ by %g where "
          "|w||A v| "
          "is %g; correct the transposed product, or the symmetry the matrix claims",
          DiniLabel_Private(dini), what, (double)test->apart, (double)test->size);
}

/* Once more, field by field */
static PetscErrorCode DiniGuardFields(Dini dini, DiniPartProducts *products, Vec v, PetscReal loose, DiniSlope *slope)
{
  DiniSlope worst;

  PetscFunctionBegin;
  products->rtol  = DINI_GUARD_RTOL;
  products->loose = loose;
  PetscCall(DiniGuardParts_Private(dini, products, DiniShiftState_Private, v, NULL, &worst));
  slope->apart = PetscMax(slope->apart, PetscMax(worst.wrong, worst.seen));
  slope->seen  = worst.seen;
  if (worst.part < 0) PetscFunctionReturn(PETSC_SUCCESS);
  slope->wrong = worst.wrong;
  slope->part  = worst.part;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Entries of u that are far smaller than the others stand for zero, or for a field in units of its own. The direction before has
  taken them for the former and moved them by far more than they are. Where differences have told little along it, once more
  along u itself, entry by entry. Spoils v and Jv.
*/
static PetscErrorCode DiniGuardOwnSizes(Dini dini, Mat J, Vec v, Vec Jv, DiniSlope *slope)
{
  DiniSlope own = {.few = PETSC_TRUE, .own = PETSC_TRUE};

  PetscFunctionBegin;
  PetscCall(VecSet(v, 0.0));
  PetscCall(DiniRandomDirection_Private(dini, 19, v, v));
  PetscCall(VecPointwiseMult(v, v, dini->u));
  PetscCall(MatMult(J, v, Jv));
  PetscCall(DiniGuardSlope_Private(dini, DiniShiftState_Private, v, NULL, Jv, NULL, NULL, &own));
  PetscCall(DiniSlopeTell_Private(dini, "J v along u", &own));
  slope->wrong = PetscMax(slope->wrong, own.wrong);
  slope->apart = PetscMax(slope->apart, own.apart);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniGuardJacobian(Dini dini, Mat J, Vec work[4], PetscReal loose, DiniPartProducts *products,
                                        DiniSlope *slope)
{
  Vec               v = work[0], Jv = work[1], F;
  DiniTransposeTest test = {0.0, 0.0};
  PetscBool         transposes, holomorphic = PETSC_TRUE, agrees;

  PetscFunctionBegin;
  PetscCall(DiniRandomDirection_Private(dini, 1, dini->u, v));
  PetscCall(MatMult(J, v, Jv));
  PetscCall(DiniCheckFinite_Private(dini, Jv, "The Jacobian, from the Jacobian callback,", &dini->scale));
  PetscCall(DiniHasAdjoint_Private(J, &transposes)); /* else the engine speaks up */
  if (transposes)                                    /* now: evaluating F beside the point may write into J */
    PetscCall(DiniTestTranspose_Private(dini, J, v, Jv, work[2], work[3], &test));
  PetscCall(DiniRandomDirection_Private(dini, 11, dini->u, work[2]));
  PetscCall(MatMult(J, work[2], work[3]));
  if (products->parts.n > 1)
    PetscCall(DiniPartProductsCreate_Private(dini, J, v, work[2], Jv, work[3], NULL, products));
  PetscCall(DiniPointResidual_Private(dini, &F));
  PetscCall(VecCopy(F, dini->w[0]));
  if (!dini->active) {
    PetscCall(DiniNorm_Private(dini->w[0], &dini->fnorm));
    dini->stats.forward_residual = dini->fnorm;
  }
  *slope = (DiniSlope){0};
  PetscCall(DiniGuardSlope_Private(dini, DiniShiftState_Private, v, NULL, Jv, work[3], NULL, slope));
  PetscCall(DiniSlopeTell_Private(dini, "J v", slope));
  if (slope->error > SLOPE_COARSE && !(slope->wrong > DINI_GUARD_RTOL))
    PetscCall(DiniGuardOwnSizes(dini, J, work[2], work[3], slope));
  if (slope->bend > GUARD_BENDS) PetscCall(DiniGuardCurvature_Private(dini, v, Jv, work[2], &agrees));
  if (slope->wrong > DINI_GUARD_RTOL)
    PetscCall(DiniGuardHolomorphic_Private(dini, DiniShiftState_Private, v, NULL, work[2], &holomorphic));
  PetscCheck(
      holomorphic, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONG,
      "%s: F is not holomorphic in u: along i v it does not change by i times what it changes along v, so no Jacobian "
      "gives its derivative (J v and differences disagree by a relative %g). A conjugate, a modulus or a real part "
      "of u is in it: make real and imaginary parts separate unknowns, in a real build of PETSc",
      DiniLabel_Private(dini), (double)slope->wrong);
  if (slope->wrong > DINI_GUARD_RTOL) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniGuardStays_Private(dini, J, "the Jacobian", DiniShiftState_Private, v, NULL, Jv, work[2]));
  PetscCall(DiniGuardTranspose_Private(dini, J, "the Jacobian", &test));
  PetscCall(DiniGuardFields(dini, products, v, loose, slope));
  if (slope->part < 0) PetscCall(DiniGuardPartTransposes_Private(dini, J, "the Jacobian", products));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J v held against differences of F; field by field, too; loose: what J may miss of the terms of a row there */
PetscErrorCode DiniGuardJacobian_Private(Dini dini, Mat J, PetscBool fields, PetscReal loose, DiniSlope *slope)
{
  Vec              work[4];
  DiniPartProducts products = {.parts.n = 1};
  PetscErrorCode   failed;

  PetscFunctionBegin;
  if (fields) PetscCall(DiniPartsOfState_Private(dini, J, &products.parts));
  PetscCall(PetscLogEventBegin(DINI_Guard, dini, 0, 0, 0));
  for (int i = 0; i < 4; i++) PetscCall(VecDuplicate(dini->u, &work[i]));
  failed = DiniGuardJacobian(dini, J, work, loose, &products, slope);
  PetscCall(DiniPartProductsDestroy_Private(&products));
  for (int i = 0; i < 4; i++) PetscCall(VecDestroy(&work[i]));
  PetscCall(PetscLogEventEnd(DINI_Guard, dini, 0, 0, 0));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Once: does F bend more than it moves? Of the one-sided difference that a given J is held against, half the answer comes */
static PetscErrorCode DiniGuardBend(Dini dini, Vec v, Vec Jv, Vec work)
{
  PetscBool agrees;
  Vec       F;

  PetscFunctionBegin;
  PetscCall(DiniPointResidual_Private(dini, &F));
  PetscCall(VecCopy(F, dini->w[0]));
  PetscCall(DiniGuardCurvature_Private(dini, v, Jv, work, &agrees));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Entries of v at rows that hold nothing but a diagonal are set to zero */
static PetscErrorCode DiniMaskDiagonalRows(Mat J, Vec v)
{
  PetscScalar *a;
  PetscInt     lo, hi;

  PetscFunctionBegin;
  PetscCall(MatGetOwnershipRange(J, &lo, &hi));
  PetscCall(VecGetArray(v, &a));
  for (PetscInt i = lo; i < hi; i++) {
    const PetscInt    *cols;
    const PetscScalar *vals;
    PetscInt           n, other = 0;

    PetscCall(MatGetRow(J, i, &n, &cols, &vals));
    for (PetscInt k = 0; k < n; k++)
      if (cols[k] != i && vals[k] != (PetscScalar)0.0) other++;
    PetscCall(MatRestoreRow(J, i, &n, &cols, &vals));
    if (!other) a[i - lo] = 0.0;
  }
  PetscCall(VecRestoreArray(v, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is a J that is not dF/du right but for the columns of its diagonal rows, as after MatZeroRowsColumns()? */
PetscErrorCode DiniGuardEliminated_Private(Dini dini, Mat J, PetscBool *eliminated)
{
  PetscErrorCode failed;
  DiniSlope      slope = {0};
  PetscBool      aij;
  Vec            v, Jv;

  PetscFunctionBegin;
  *eliminated = PETSC_FALSE;
  PetscCall(PetscObjectBaseTypeCompareAny((PetscObject)J, &aij, MATSEQAIJ, MATMPIAIJ, ""));
  if (!aij) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecDuplicate(dini->u, &v));
  PetscCall(VecDuplicate(dini->u, &Jv));
  PetscCall(DiniRandomDirection_Private(dini, 1, dini->u, v));
  PetscCall(DiniMaskDiagonalRows(J, v));
  PetscCall(MatMult(J, v, Jv));
  failed = DiniResidual_Private(dini, dini->u, dini->w[0], NULL);
  if (!failed) failed = DiniGuardSlope_Private(dini, DiniShiftState_Private, v, NULL, Jv, NULL, NULL, &slope);
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&Jv));
  PetscCall(failed);
  *eliminated = (PetscBool)(slope.informative && slope.wrong <= DINI_GUARD_RTOL);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J v and a central difference of F along v; *error: relative */
static PetscErrorCode DiniGuardCentral(Dini dini, Vec v, Vec Jv, Vec y, PetscReal *error)
{
  PetscReal size;

  PetscFunctionBegin;
  PetscCall(DiniDifferenceMult_Private(dini, v, y));
  PetscCall(DiniNorm_Private(y, &size));
  size = PetscMax(size, dini->scale);
  PetscCall(VecAXPY(y, -1.0, Jv));
  PetscCall(DiniNorm_Private(y, error));
  if (size > 0.0) *error /= size;
  PetscCall(PetscInfo(dini, "J by differences: J v agrees with another difference to %g\n", (double)*error));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  The same for a J made of central differences, which a central difference must meet. Dini's own have been held against one as
  they were made, along real steps: what is left to ask is whether F is holomorphic.
*/
PetscErrorCode DiniGuardDifferences_Private(Dini dini, Mat J, PetscBool own, PetscReal *error)
{
  Vec            v, Jv, y;
  PetscErrorCode failed = PETSC_SUCCESS;

  PetscFunctionBegin;
  *error = 0.0;
  PetscCall(VecDuplicate(dini->u, &v));
  PetscCall(VecDuplicate(dini->u, &Jv));
  PetscCall(VecDuplicate(dini->u, &y));
  PetscCall(DiniRandomDirection_Private(dini, 31, dini->u, v));
  PetscCall(MatMult(J, v, Jv));
  PetscCall(DiniNorm_Private(Jv, &dini->scale));
  if (!own || PetscDefined(USE_COMPLEX)) failed = DiniGuardCentral(dini, v, Jv, y, error);
  if (!failed && !dini->guarded) failed = DiniGuardBend(dini, v, Jv, y);
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&Jv));
  PetscCall(VecDestroy(&y));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What products by differences are good to: along one direction, by several steps */
PetscErrorCode DiniGuardProducts_Private(Dini dini, PetscReal *error)
{
  PetscReal      size;
  PetscErrorCode failed;
  Vec            v, y, best;

  PetscFunctionBegin;
  PetscCall(VecDuplicate(dini->u, &v));
  PetscCall(VecDuplicate(dini->u, &y));
  PetscCall(VecDuplicate(dini->u, &best));
  PetscCall(DiniRandomDirection_Private(dini, 31, dini->u, v));
  failed = DiniDifferenceMult_Private(dini, v, y);
  if (!failed) failed = DiniDifferenceBest_Private(dini, v, best, error);
  if (!failed) {
    PetscReal apart;

    PetscCall(DiniNorm_Private(y, &size));
    PetscCall(VecAXPY(best, -1.0, y));
    PetscCall(DiniNorm_Private(best, &apart));
    if (size > 0.0) *error += apart / size;
    PetscCall(PetscInfo(dini, "Products by differences are good to %g\n", (double)*error));
  }
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&y));
  PetscCall(VecDestroy(&best));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Field by field: *slope tells of a J by differences which of them is wrong, and what is to be said of the others */
PetscErrorCode DiniGuardFields_Private(Dini dini, Mat J, PetscReal loose, DiniSlope *slope)
{
  Vec              work[4];
  DiniPartProducts products = {0};
  PetscErrorCode   failed;

  PetscFunctionBegin;
  *slope = (DiniSlope){.part = -1};
  PetscCall(DiniPartsOfState_Private(dini, J, &products.parts));
  if (products.parts.n < 2) PetscFunctionReturn(PETSC_SUCCESS); /* and there is nothing to destroy */
  for (int i = 0; i < 4; i++) PetscCall(VecDuplicate(dini->u, &work[i]));
  for (int i = 0; i < 2; i++) {
    PetscCall(DiniRandomDirection_Private(dini, i ? 11 : 1, dini->u, work[i]));
    PetscCall(MatMult(J, work[i], work[2 + i]));
  }
  failed = DiniPartProductsCreate_Private(dini, J, work[0], work[1], work[2], work[3], NULL, &products);
  if (!failed) failed = DiniGuardFields(dini, &products, work[0], loose, slope);
  PetscCall(DiniPartProductsDestroy_Private(&products));
  for (int i = 0; i < 4; i++) PetscCall(VecDestroy(&work[i]));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}
