static char help[] =
    "Variational inequalities: what is accepted and refused, kinds of matrices, weak activity, hidden bounds.\n";

#include "support/fixtures.h"

/* F = T u - m on a string of N nodes, u above an obstacle; T as a matrix of any type */
typedef struct {
  Mat       T, J, P;
  Vec       u, F, m, lower, upper, seen; /* seen: the obstacle as an update callback makes it from the block "hidden" */
  Vec       hidden;
  SNES      snes;
  Dini      dini;
  PetscBool fail; /* the residual returns an error */
} Contact;

static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  Contact *c = (Contact *)ctx;

  PetscFunctionBeginUser;
  (void)snes;
  if (c->fail) return PETSC_ERR_USER;
  PetscCall(MatMult(c->T, u, F));
  PetscCall(VecAXPY(F, -1.0, c->m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  Contact *c = (Contact *)ctx;

  PetscFunctionBeginUser;
  (void)snes;
  (void)u;
  PetscCall(MatCopy(c->T, J, SAME_NONZERO_PATTERN));
  if (P != J) PetscCall(MatCopy(c->T, P, SAME_NONZERO_PATTERN));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Symmetric: 2 on the diagonal (1 at both ends with no walls, so that constants are its null space), -1 beside it */
static PetscErrorCode String(PetscInt N, PetscBool walls, Mat *T)
{
  PetscInt lo, hi;

  PetscFunctionBeginUser;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, N, N, 3, NULL, 2, NULL, T));
  PetscCall(MatGetOwnershipRange(*T, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) {
    const PetscReal end = walls || N == 1 ? 0.0 : (i == 0 || i == N - 1 ? 1.0 : 0.0);

    PetscCall(MatSetValue(*T, i, i, 2.0 - end, INSERT_VALUES));
    if (i > 0) PetscCall(MatSetValue(*T, i, i - 1, -1.0, INSERT_VALUES));
    if (i + 1 < N) PetscCall(MatSetValue(*T, i, i + 1, -1.0, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(*T, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*T, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ContactCreate(PetscInt N, SNESType type, MatType mtype, PetscBool ownP, Contact *c)
{
  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(c, sizeof(*c)));
  PetscCall(String(N, PETSC_TRUE, &c->T));
  if (mtype) {
    PetscCall(MatSetOption(c->T, MAT_SYMMETRIC, PETSC_TRUE));
    PetscCall(MatConvert(c->T, mtype, MAT_INPLACE_MATRIX, &c->T));
  }
  PetscCall(MatDuplicate(c->T, MAT_COPY_VALUES, &c->J));
  if (ownP) PetscCall(MatDuplicate(c->T, MAT_COPY_VALUES, &c->P));
  else {
    PetscCall(PetscObjectReference((PetscObject)c->J));
    c->P = c->J;
  }
  PetscCall(MatCreateVecs(c->T, &c->u, &c->F));
  PetscCall(VecDuplicate(c->u, &c->m));
  PetscCall(VecDuplicate(c->u, &c->lower));
  PetscCall(VecDuplicate(c->u, &c->upper));
  PetscCall(VecSet(c->m, -1.0));
  PetscCall(VecSet(c->lower, -3.3));
  PetscCall(VecSet(c->upper, PETSC_INFINITY));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &c->snes));
  PetscCall(SNESSetType(c->snes, type));
  PetscCall(SNESSetFunction(c->snes, c->F, Residual, c));
  PetscCall(SNESSetJacobian(c->snes, c->J, c->P, Jacobian, c));
  PetscCall(SNESSetTolerances(c->snes, 1e-12, 1e-13, 0.0, 100, 1000));
  PetscCall(SNESVISetVariableBounds(c->snes, c->lower, c->upper));
  PetscCall(SNESSetFromOptions(c->snes));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &c->dini));
  PetscCall(DiniSetSNES(c->dini, c->snes));
  PetscCall(DiniAddParameter(c->dini, "m", c->m, NULL));
  PetscCall(DiniSetParameterType(c->dini, 0, DINIPARAMETERRHS));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ContactDestroy(Contact *c)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&c->dini));
  PetscCall(SNESDestroy(&c->snes));
  PetscCall(MatDestroy(&c->T));
  PetscCall(MatDestroy(&c->J));
  PetscCall(MatDestroy(&c->P));
  PetscCall(VecDestroy(&c->u));
  PetscCall(VecDestroy(&c->F));
  PetscCall(VecDestroy(&c->m));
  PetscCall(VecDestroy(&c->lower));
  PetscCall(VecDestroy(&c->upper));
  PetscCall(VecDestroy(&c->hidden));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* du by central differences of solves; F and the bounds are piecewise linear, so they are exact on one active set */
static PetscErrorCode Differences(Contact *c, Vec dm, Vec du)
{
  const PetscReal h = 1e-4;
  Vec             u;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(c->u, &u));
  PetscCall(VecAXPY(c->m, h, dm));
  PetscCall(VecCopy(c->lower, du));
  PetscCall(SNESSolve(c->snes, NULL, du));
  PetscCall(VecAXPY(c->m, -2.0 * h, dm));
  PetscCall(VecCopy(c->lower, u));
  PetscCall(SNESSolve(c->snes, NULL, u));
  PetscCall(VecAXPY(c->m, h, dm));
  PetscCall(VecAXPY(du, -1.0, u));
  PetscCall(VecScale(du, 0.5 / h));
  PetscCall(VecDestroy(&u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- Matrices ---- */

static PetscErrorCode TestMatrix(SNESType type, MatType mtype, PetscBool ownP, const char options[])
{
  Contact c;
  Vec     dm, du, expected;

  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(ContactCreate(10, type, mtype, ownP, &c));
  PetscCall(DiniSetFromOptions(c.dini));
  PetscCall(DiniTestVec(c.m, 4, &dm));
  PetscCall(VecRealPart(dm));
  PetscCall(VecDuplicate(c.u, &du));
  PetscCall(VecDuplicate(c.u, &expected));
  PetscCall(Differences(&c, dm, expected));
  for (int round = 0; round < 3; round++) { /* the contact set moves: another reduction of the same matrix */
    PetscCall(VecSet(c.lower, round == 1 ? -1.5 : -3.3));
    PetscCall(VecSet(c.u, 0.0));
    PetscCall(DiniSolve(c.dini, c.u));
    PetscCall(DiniJVP(c.dini, dm, du));
    if (round == 1) PetscCall(DiniTestVecsDiffer(du, expected, 1e-3, "tangents with two contact sets"));
    else PetscCall(DiniTestVecsClose(du, expected, 1e-7, mtype ? mtype : "aij"));
    PetscCall(DiniTestDotProduct(c.dini, 1e-8));
  }
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&expected));
  PetscCall(ContactDestroy(&c));
  PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A floating string: J is singular, but what remains of it beside a contact is not. (SSLS would project its own systems.) */
static PetscErrorCode TestNullSpace(SNESType type)
{
  Contact      c;
  MatNullSpace constants;
  Vec          dm, du, expected;
  IS           held;
  PetscInt     n;

  PetscFunctionBeginUser;
  PetscCall(ContactCreate(6, type, NULL, PETSC_FALSE, &c));
  PetscCall(MatDestroy(&c.T));
  PetscCall(String(6, PETSC_FALSE, &c.T));
  PetscCall(MatNullSpaceCreate(PETSC_COMM_WORLD, PETSC_TRUE, 0, NULL, &constants));
  PetscCall(MatSetNullSpace(c.J, constants));
  PetscCall(MatSetTransposeNullSpace(c.J, constants));
  PetscCall(MatNullSpaceDestroy(&constants));
  PetscCall(VecSetValue(c.m, 0, 0.5, INSERT_VALUES));
  PetscCall(VecAssemblyBegin(c.m));
  PetscCall(VecAssemblyEnd(c.m));
  PetscCall(VecCopy(c.lower, c.u));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniGetActiveSet(c.dini, &held, NULL));
  PetscCall(ISGetSize(held, &n));
  DiniTestTrue(n > 0 && n < 6, "The floating string is to touch in part, not in %" PetscInt_FMT " nodes", n);
  PetscCall(DiniTestVec(c.m, 4, &dm));
  PetscCall(VecRealPart(dm));
  PetscCall(VecDuplicate(c.u, &du));
  PetscCall(VecDuplicate(c.u, &expected));
  PetscCall(DiniJVP(c.dini, dm, du));
  PetscCall(DiniTestDotProduct(c.dini, 1e-8));
  PetscCall(Differences(&c, dm, expected));
  PetscCall(DiniTestVecsClose(du, expected, 1e-5, "tangent of a floating string"));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&expected));
  PetscCall(ContactDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- States ---- */

static PetscErrorCode SolveFor(Dini dini, Vec u, void *ctx)
{
  Contact *c = (Contact *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecSet(u, 0.0));
  PetscCall(SNESSolve(c->snes, NULL, u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestStates(SNESType type)
{
  Contact        c;
  DiniStatistics stats;
  Vec            dm, du, again, v;

  PetscFunctionBeginUser;
  PetscCall(ContactCreate(10, type, NULL, PETSC_FALSE, &c));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniTestVec(c.m, 4, &dm));
  PetscCall(VecDuplicate(c.u, &du));
  PetscCall(VecDuplicate(c.u, &again));
  PetscCall(VecDuplicate(c.u, &v));
  PetscCall(DiniJVP(c.dini, dm, du));
  PetscCall(DiniGetStatistics(c.dini, &stats));
  DiniTestTrue(stats.forward_residual < 1e-6, "The residual of a solution is %g", (double)stats.forward_residual);
  /* found elsewhere, though |F| is of the size of m where the obstacle bears */
  PetscCall(VecCopy(c.u, v));
  PetscCall(DiniAttach(c.dini, v));
  PetscCall(DiniGetStatistics(c.dini, &stats));
  DiniTestTrue(stats.forward_residual < 1e-6, "The residual of an attached solution is %g",
               (double)stats.forward_residual);
  PetscCall(DiniJVP(c.dini, dm, again));
  PetscCall(DiniTestVecsClose(du, again, 1e-8, "tangent at an attached solution"));
  PetscCall(DiniSetSolve(c.dini, SolveFor, &c));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniJVP(c.dini, dm, again));
  PetscCall(DiniTestVecsClose(du, again, 1e-8, "tangent after a solve of the application's own"));
  PetscCall(DiniSetSolve(c.dini, NULL, NULL));
  /* no solutions: below the obstacle, above the solution, and that of F = 0, which the obstacle cuts */
  PetscCall(VecShift(v, -0.1));
  DiniTestExpect(DiniAttach(c.dini, v), PETSC_ERR_NOT_CONVERGED, "is not a solution");
  PetscCall(VecShift(v, 0.2));
  DiniTestExpect(DiniAttach(c.dini, v), PETSC_ERR_NOT_CONVERGED, "is not a solution");
  PetscCall(DiniTestDirectSolve(c.T, PETSC_FALSE, c.m, v));
  DiniTestExpect(DiniAttach(c.dini, v), PETSC_ERR_NOT_CONVERGED, "is not a solution");
  /* the obstacle moves after the solve */
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(VecShift(c.lower, 0.1));
  DiniTestExpect(DiniJVP(c.dini, dm, again), PETSC_ERR_ARG_WRONGSTATE, "The lower bound of the SNES has been changed");
  PetscCall(VecShift(c.lower, -0.1));
  PetscCall(DiniSolve(c.dini, c.u));
  /* an error inside the solve leaves a SNES that still solves */
  c.fail = PETSC_TRUE;
  DiniTestExpectAny(DiniSolve(c.dini, c.u), "");
  c.fail = PETSC_FALSE;
  PetscCall(VecSet(c.u, 0.0));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniJVP(c.dini, dm, again));
  PetscCall(DiniTestVecsClose(du, again, 1e-7, "tangent after an error"));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&again));
  PetscCall(VecDestroy(&v));
  PetscCall(ContactDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

#if defined(PETSC_USE_COMPLEX)
/* Numbers that are not real have no order. */
static PetscErrorCode TestComplex(SNESType type)
{
  Contact c;
  Vec     ubar, mbar;

  PetscFunctionBeginUser;
  PetscCall(ContactCreate(6, type, NULL, PETSC_FALSE, &c));
  PetscCall(VecSet(c.lower, -100.0));
  PetscCall(VecShift(c.m, PetscCMPLX(0.0, 0.3)));
  PetscCall(DiniTestDirectSolve(c.T, PETSC_FALSE, c.m, c.u));
  PetscCall(DiniAttach(c.dini, c.u));
  PetscCall(DiniTestVec(c.u, 4, &ubar));
  PetscCall(VecDuplicate(c.m, &mbar));
  DiniTestExpect(DiniVJP(c.dini, ubar, mbar), PETSC_ERR_ARG_WRONG, "orders real numbers, but u has imaginary parts");
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(ContactDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}
#endif

/* Bare solves: J_II x_I = r_I, and zero on the contact set; J itself is that of F */
static PetscErrorCode TestLinearSolves(SNESType type)
{
  Contact   c;
  Vec       r, x, lambda, Jx;
  Mat       J;
  IS        held;
  PetscReal norm;

  PetscFunctionBeginUser;
  PetscCall(ContactCreate(10, type, NULL, PETSC_FALSE, &c));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniTestVec(c.u, 4, &r));
  PetscCall(VecDuplicate(r, &x));
  PetscCall(VecDuplicate(r, &lambda));
  PetscCall(VecDuplicate(r, &Jx));
  PetscCall(DiniTangentSolve(c.dini, r, x));
  PetscCall(DiniAdjointSolve(c.dini, r, lambda));
  PetscCall(DiniTestVecsClose(x, lambda, 1e-8, "solves with a symmetric J"));
  PetscCall(DiniGetJacobian(c.dini, &J, NULL));
  PetscCall(DiniGetActiveSet(c.dini, &held, NULL));
  PetscCall(MatAXPY(c.T, -1.0, J, SAME_NONZERO_PATTERN));
  PetscCall(MatNorm(c.T, NORM_FROBENIUS, &norm));
  DiniTestTrue(norm == 0.0, "DiniGetJacobian() gives a matrix that is off J by %g", (double)norm);
  PetscCall(MatMult(J, x, Jx));
  PetscCall(VecISSet(Jx, held, 0.0));
  PetscCall(VecISSet(r, held, 0.0));
  PetscCall(DiniTestVecsClose(Jx, r, 1e-9, "J_II x_I = r_I"));
  PetscCall(VecCopy(x, Jx));
  PetscCall(VecISSet(Jx, held, 0.0));
  PetscCall(DiniTestVecsClose(Jx, x, 0.0, "x is zero where the bound holds u"));
  PetscCall(VecDestroy(&r));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&lambda));
  PetscCall(VecDestroy(&Jx));
  PetscCall(ContactDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- Bounds that hang on parameters by a hidden way ---- */

static PetscErrorCode UpdateObstacle(Dini dini, Vec m, void *ctx)
{
  Contact *c = (Contact *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecCopy(m, c->lower));
  PetscCall(VecScale(c->lower, 2.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestHidden(SNESType type, DiniParameterType kind)
{
  Contact  c;
  Vec      ubar, mbar;
  PetscInt p;

  PetscFunctionBeginUser;
  PetscCall(ContactCreate(7, type, NULL, PETSC_FALSE, &c));
  PetscCall(VecDuplicate(c.u, &c.hidden));
  PetscCall(VecSet(c.hidden, -0.9));
  PetscCall(DiniAddParameter(c.dini, "hidden", c.hidden, &p));
  PetscCall(DiniSetParameterUpdate(c.dini, p, UpdateObstacle, &c));
  PetscCall(DiniSetParameterType(c.dini, p, kind));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniTestVec(c.u, 4, &ubar));
  PetscCall(DiniCreateParameterVec(c.dini, &mbar));
  DiniTestExpect(DiniVJP(c.dini, ubar, mbar), PETSC_ERR_SUP, "Parameter \"hidden\" changes the lower bound");
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(ContactDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ComputeBounds(SNES snes, Vec lower, Vec upper)
{
  Contact *c;

  PetscFunctionBeginUser;
  PetscCall(SNESGetApplicationContext(snes, &c));
  PetscCall(VecSet(upper, PETSC_INFINITY));
  PetscCall(VecCopy(c->hidden ? c->hidden : c->m, lower));
  if (!c->hidden) PetscCall(VecSet(lower, -3.3));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Bounds from a callback: differentiated where they are constant, refused where they change with a block */
static PetscErrorCode TestCallback(SNESType type, PetscBool hidden)
{
  Contact  c, d;
  Vec      dm, du, expected, mbar;
  PetscInt p;

  PetscFunctionBeginUser;
  PetscCall(ContactCreate(10, type, NULL, PETSC_FALSE, &c));
  PetscCall(ContactCreate(10, type, NULL, PETSC_FALSE, &d));
  PetscCall(SNESReset(c.snes)); /* forgets its bounds */
  PetscCall(SNESSetFunction(c.snes, c.F, Residual, &c));
  PetscCall(SNESSetJacobian(c.snes, c.J, c.P, Jacobian, &c));
  PetscCall(SNESSetApplicationContext(c.snes, &c));
  PetscCall(SNESVISetComputeVariableBounds(c.snes, ComputeBounds));
  PetscCall(VecDuplicate(c.u, &du));
  if (hidden) {
    PetscCall(VecDuplicate(c.u, &c.hidden));
    PetscCall(VecSet(c.hidden, -3.3));
    PetscCall(DiniAddParameter(c.dini, "hidden", c.hidden, &p));
    PetscCall(DiniSetParameterType(c.dini, p, DINIPARAMETERZERO));
  }
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniCreateParameterVec(c.dini, &mbar));
  if (hidden) DiniTestExpect(DiniVJP(c.dini, du, mbar), PETSC_ERR_SUP, "Parameter \"hidden\" changes the lower bound");
  else {
    PetscCall(DiniTestVec(c.m, 4, &dm));
    PetscCall(VecDuplicate(c.u, &expected));
    PetscCall(DiniSolve(d.dini, d.u));
    PetscCall(DiniJVP(d.dini, dm, expected));
    PetscCall(DiniJVP(c.dini, dm, du));
    PetscCall(DiniTestVecsClose(du, expected, 1e-8, "tangent with bounds from a callback"));
    PetscCall(VecDestroy(&dm));
    PetscCall(VecDestroy(&expected));
  }
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&mbar));
  PetscCall(ContactDestroy(&c));
  PetscCall(ContactDestroy(&d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- Weak activity ---- */

/* The load that is T l in node 0 leaves it on the obstacle without pressure. Units: u in 1e-6, F in 1e6 or the reverse */
static PetscErrorCode TestWeak(SNESType type, PetscReal unit)
{
  Contact     c;
  Vec         dm, free, held;
  PetscViewer viewer;
  char        text[16384];
  IS          weak;
  PetscInt    n;
  PetscScalar first[2] = {0.0, 0.0};
  PetscInt    lo, hi, zero = 0;

  PetscFunctionBeginUser;
  PetscCall(ContactCreate(5, type, NULL, PETSC_FALSE, &c));
  PetscCall(MatScale(c.T, unit));
  PetscCall(VecSet(c.lower, -1.0));
  PetscCall(MatMult(c.T, c.lower, c.m)); /* weakly active in every node */
  PetscCall(VecGetOwnershipRange(c.m, &lo, &hi));
  for (PetscInt i = PetscMax(lo, 1); i < hi; i++) PetscCall(VecSetValue(c.m, i, -0.5 * unit, ADD_VALUES));
  PetscCall(VecAssemblyBegin(c.m));
  PetscCall(VecAssemblyEnd(c.m));
  PetscCall(VecSet(c.u, -0.5));
  PetscCall(SNESSetTolerances(c.snes, 1e-13 * unit, 1e-13, 0.0, 100, 1000));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniGetActiveSet(c.dini, NULL, &weak));
  PetscCall(ISGetSize(weak, &n));
  DiniTestCount(n, 1, "weakly active entries");
  PetscCall(DiniTestTextOpen(&viewer));
  PetscCall(DiniView(c.dini, viewer));
  PetscCall(DiniTestTextClose(&viewer, text, sizeof(text)));
  PetscCall(DiniTestTextHas(text, "4 of 5 entries held at a bound, 1 weakly active (inactive)"));
  PetscCall(VecDuplicate(c.m, &dm));
  PetscCall(VecSet(dm, unit));
  PetscCall(VecDuplicate(c.u, &free));
  PetscCall(VecDuplicate(c.u, &held));
  PetscCall(DiniJVP(c.dini, dm, free)); /* node 0 free between the wall and node 1 that is held: du = 1 / 2 */
  PetscCall(DiniSetWeakActivity(c.dini, DINI_WEAK_ACTIVITY_ACTIVE, PETSC_DEFAULT));
  PetscCall(DiniJVP(c.dini, dm, held));
  if (lo == 0 && hi > 0) {
    PetscCall(VecGetValues(free, 1, &zero, &first[0]));
    PetscCall(VecGetValues(held, 1, &zero, &first[1]));
  }
  PetscCallMPI(MPI_Bcast(first, 2, MPIU_SCALAR, 0, PETSC_COMM_WORLD));
  DiniTestClose(PetscRealPart(first[0]), 0.5, 1e-9, 0.0, "du_0 of a weakly active node taken for free");
  DiniTestTrue(first[1] == 0.0, "du_0 of a weakly active node taken for held is not zero");
  PetscCall(DiniSetWeakActivity(c.dini, DINI_WEAK_ACTIVITY_ERROR, PETSC_DEFAULT));
  DiniTestExpect(DiniJVP(c.dini, dm, held), PETSC_ERR_ARG_WRONGSTATE, "1 entries of u are weakly active");
  DiniTestExpect(DiniSetWeakActivity(c.dini, DINI_WEAK_ACTIVITY_ERROR, -1.0), PETSC_ERR_ARG_OUTOFRANGE,
                 "weak activity");
  PetscCall(DiniTestOptionsSet("-dini_weak_activity inactive -dini_weak_activity_rtol 1e-7"));
  PetscCall(DiniSetFromOptions(c.dini));
  PetscCall(DiniTestOptionsClear("-dini_weak_activity inactive -dini_weak_activity_rtol 1e-7"));
  PetscCall(DiniJVP(c.dini, dm, held));
  PetscCall(DiniTestVecsClose(held, free, 1e-9, "options of weak activity"));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&free));
  PetscCall(VecDestroy(&held));
  PetscCall(ContactDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Two fields in units that are 1e8 apart: what is small in one is not in the other */
static PetscErrorCode TestUnits(SNESType type)
{
  const PetscReal unit[] = {1e4, 1e-4};
  Contact         c;
  Vec             dm, du;
  IS              held, weak;
  PetscInt        n, lo, hi;
  PetscReal       norm;

  PetscFunctionBeginUser;
  PetscCall(ContactCreate(24, type, NULL, PETSC_FALSE, &c)); /* blocks of two on 1 to 4 ranks */
  PetscCall(MatZeroEntries(c.T));
  PetscCall(VecDestroy(&c.u));
  PetscCall(VecGetLocalSize(c.m, &n));
  PetscCall(VecCreate(PETSC_COMM_WORLD, &c.u));
  PetscCall(VecSetSizes(c.u, n, 24));
  PetscCall(VecSetBlockSize(c.u, 2));
  PetscCall(VecSetType(c.u, VECSTANDARD));
  PetscCall(VecGetOwnershipRange(c.u, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) { /* F_i = u_i - m_i in its unit; pressed by a thousandth of it, or free */
    PetscCall(MatSetValue(c.T, i, i, 1.0, INSERT_VALUES));
    PetscCall(VecSetValue(c.lower, i, unit[i % 2], INSERT_VALUES));
    PetscCall(VecSetValue(c.m, i, unit[i % 2] * (i < 4 ? 0.999 : 1.5), INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(c.T, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(c.T, MAT_FINAL_ASSEMBLY));
  PetscCall(VecAssemblyBegin(c.lower));
  PetscCall(VecAssemblyEnd(c.lower));
  PetscCall(VecAssemblyBegin(c.m));
  PetscCall(VecAssemblyEnd(c.m));
  PetscCall(VecPointwiseMax(c.u, c.lower, c.m)); /* the solution */
  PetscCall(DiniAttach(c.dini, c.u));
  PetscCall(DiniGetActiveSet(c.dini, &held, &weak));
  PetscCall(ISGetSize(held, &n));
  DiniTestCount(n, 4, "entries held, in two units");
  PetscCall(ISGetSize(weak, &n));
  DiniTestCount(n, 0, "weakly active entries, in two units");
  PetscCall(VecDuplicate(c.m, &dm));
  PetscCall(VecSet(dm, 1.0));
  PetscCall(VecDuplicate(c.u, &du));
  PetscCall(DiniJVP(c.dini, dm, du));
  PetscCall(VecNorm(du, NORM_1, &norm));
  DiniTestClose(norm, 20.0, 1e-9, 0.0, "the sum of du, in two units");
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&du));
  PetscCall(ContactDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- An objective ---- */

static PetscErrorCode Value(Dini dini, Vec u, PetscReal *value, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)ctx;
  PetscCall(VecNorm(u, NORM_2, value));
  *value *= 0.5 * *value;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Gradient(Dini dini, Vec u, Vec dJdu, Vec dJdm, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)dJdm;
  (void)ctx;
  PetscCall(VecCopy(u, dJdu));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Every entry of the reduced gradient in the obstacle, against differences; and the error estimate of a state that is off */
static PetscErrorCode TestObjective(SNESType type)
{
  const PetscReal h = 1e-4;
  Contact         c;
  PetscInt        p;
  PetscReal       value, plus, minus, truth;
  Vec             m, g, e;
  DiniStatistics  stats;

  PetscFunctionBeginUser;
  PetscCall(ContactCreate(7, type, NULL, PETSC_FALSE, &c));
  PetscCall(VecSet(c.lower, -2.1));
  PetscCall(DiniAddParameter(c.dini, "obstacle", c.lower, &p));
  PetscCall(DiniSetParameterType(c.dini, p, DINIPARAMETERZERO));
  PetscCall(DiniSetState(c.dini, c.u));
  PetscCall(DiniSetObjective(c.dini, Value, Gradient, NULL));
  PetscCall(DiniCreateParameterVec(c.dini, &m));
  PetscCall(VecDuplicate(m, &g));
  PetscCall(VecDuplicate(m, &e));
  PetscCall(DiniComputeObjectiveAndGradient(c.dini, m, &value, g));
  for (PetscInt j = 0; j < 14; j++) {
    PetscScalar slope;

    PetscCall(VecSet(e, 0.0));
    PetscCall(VecSetValue(e, j, 1.0, INSERT_VALUES));
    PetscCall(VecAssemblyBegin(e));
    PetscCall(VecAssemblyEnd(e));
    PetscCall(VecDot(g, e, &slope));
    PetscCall(VecAXPY(m, h, e));
    PetscCall(DiniComputeObjective(c.dini, m, &plus));
    PetscCall(VecAXPY(m, -2.0 * h, e));
    PetscCall(DiniComputeObjective(c.dini, m, &minus));
    PetscCall(VecAXPY(m, h, e));
    DiniTestClose(PetscRealPart(slope), 0.5 * (plus - minus) / h, 1e-5, 1e-6, "gradient against differences");
  }
  PetscCall(DiniComputeObjectiveAndGradient(c.dini, m, &value, g));
  truth = value;
  PetscCall(VecScale(c.u, 1.0 - 1e-6)); /* off the obstacle, and off F = 0: to first order the estimate sees both */
  PetscCall(DiniSetAttachTolerances(c.dini, 1e-3, PETSC_DEFAULT));
  PetscCall(DiniAttach(c.dini, c.u));
  PetscCall(DiniComputeObjectiveAndGradient(c.dini, m, &value, g));
  PetscCall(DiniGetStatistics(c.dini, &stats));
  DiniTestClose(stats.objective_error, PetscAbsReal(value - truth), 1e-3, 0.0, "estimated error of the objective");
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&g));
  PetscCall(VecDestroy(&e));
  PetscCall(ContactDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  const SNESType types[] = {SNESVINEWTONRSLS, SNESVINEWTONSSLS};

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (int t = 0; t < 2; t++) {
    PetscCall(TestMatrix(types[t], NULL, PETSC_FALSE, "-dini_transpose native"));
    PetscCall(TestMatrix(types[t], NULL, PETSC_TRUE, "-dini_pc_type jacobi"));
    PetscCall(TestMatrix(types[t], MATBAIJ, PETSC_FALSE, "-dini_transpose explicit -pc_type jacobi"));
    if (t == 0)
      PetscCall(TestMatrix(types[t], MATSBAIJ, PETSC_FALSE, "-dini_reuse never")); /* SSLS scales rows alone */
    PetscCall(TestMatrix(types[t], MATDENSE, PETSC_FALSE, "-dini_pc_type jacobi -pc_type jacobi"));
    if (t == 0) PetscCall(TestNullSpace(types[t]));
    PetscCall(TestStates(types[t]));
    PetscCall(TestLinearSolves(types[t]));
    PetscCall(TestHidden(types[t], DINIPARAMETERZERO));
    PetscCall(TestHidden(types[t], DINIPARAMETERFD));
    PetscCall(TestCallback(types[t], PETSC_FALSE));
    PetscCall(TestCallback(types[t], PETSC_TRUE));
    PetscCall(TestWeak(types[t], 1.0));
    PetscCall(TestWeak(types[t], 1e6));
    PetscCall(TestUnits(types[t]));
    PetscCall(TestObjective(types[t]));
#if defined(PETSC_USE_COMPLEX)
    PetscCall(TestComplex(types[t]));
#endif
  }
  PetscCall(PetscFinalize());
  return 0;
}
