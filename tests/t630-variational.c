static char help[] = "Derivatives of variational inequalities: the active set follows its bounds, the rest F = 0.\n";

#include "support/fixtures.h"

/*
  F = T u + c u^3 - m - e v on every row, T = tridiag(-1, 2 + q_i, -0.5 or -1), l <= u <= h. m is a field, e a number.
  With c = 0 and T diagonal the solution is clip(m / T_ii).
*/
typedef struct {
  PetscReal   off, cube;
  PetscScalar e; /* a parameter of every row */
  Mat         T, J, Fm;
  Vec         u, F, m, lower, upper, w;
  SNES        snes;
  Dini        dini;
  PetscInt    p; /* of m */
} Box;

static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  Box *b = (Box *)ctx;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(VecPointwiseMult(b->w, u, u));
  PetscCall(VecPointwiseMult(b->w, b->w, u));
  PetscCall(MatMult(b->T, u, F));
  PetscCall(VecAXPBYPCZ(F, -1.0, b->cube, 1.0, b->m, b->w));
  PetscCall(VecShift(F, -b->e));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  Box *b = (Box *)ctx;

  PetscFunctionBeginUser;
  (void)snes;
  (void)J;
  PetscCall(MatCopy(b->T, P, SAME_NONZERO_PATTERN));
  PetscCall(VecPointwiseMult(b->w, u, u));
  PetscCall(VecScale(b->w, 3.0 * b->cube));
  PetscCall(MatDiagonalSet(P, b->w, ADD_VALUES));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode BoxCreate(PetscInt N, PetscReal off, PetscReal cube, SNESType type, Box *b)
{
  PetscInt  lo, hi;
  PetscBool plain;

  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(b, sizeof(*b)));
  b->off  = off;
  b->cube = cube;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, N, N, 3, NULL, 2, NULL, &b->T));
  PetscCall(MatGetOwnershipRange(b->T, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) {
    PetscCall(MatSetValue(b->T, i, i, 2.0 + 0.1 * (PetscReal)(i % 4), INSERT_VALUES));
    if (i > 0) PetscCall(MatSetValue(b->T, i, i - 1, -off, INSERT_VALUES));
    if (i + 1 < N) PetscCall(MatSetValue(b->T, i, i + 1, -0.5 * off, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(b->T, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(b->T, MAT_FINAL_ASSEMBLY));
  PetscCall(MatDuplicate(b->T, MAT_COPY_VALUES, &b->J));
  PetscCall(MatCreateVecs(b->T, &b->u, &b->m));
  PetscCall(VecDuplicate(b->u, &b->lower));
  PetscCall(VecDuplicate(b->u, &b->upper));
  PetscCall(VecDuplicate(b->u, &b->F)); /* SNESVISetVariableBounds() asks for it */
  PetscCall(VecDuplicate(b->u, &b->w));
  PetscCall(VecSet(b->lower, PETSC_NINFINITY));
  PetscCall(VecSet(b->upper, PETSC_INFINITY));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &b->snes));
  PetscCall(SNESSetType(b->snes, type));
  PetscCall(SNESSetFunction(b->snes, b->F, Residual, b));
  PetscCall(SNESSetJacobian(b->snes, b->J, b->J, Jacobian, b));
  PetscCall(SNESSetTolerances(b->snes, 1e-13, 1e-14, 0.0, 100, 1000));
  PetscCall(PetscStrcmp(type, SNESNEWTONLS, &plain)); /* refuses bounds */
  if (!plain) PetscCall(SNESVISetVariableBounds(b->snes, b->lower, b->upper));
  PetscCall(SNESSetFromOptions(b->snes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode BoxDini(Box *b)
{
  PetscFunctionBeginUser;
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &b->dini));
  PetscCall(DiniSetSNES(b->dini, b->snes));
  PetscCall(DiniAddParameter(b->dini, "m", b->m, &b->p));
  PetscCall(DiniSetParameterType(b->dini, b->p, DINIPARAMETERRHS));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode BoxDestroy(Box *b)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&b->dini));
  PetscCall(SNESDestroy(&b->snes));
  PetscCall(MatDestroy(&b->T));
  PetscCall(MatDestroy(&b->J));
  PetscCall(MatDestroy(&b->Fm));
  PetscCall(VecDestroy(&b->u));
  PetscCall(VecDestroy(&b->m));
  PetscCall(VecDestroy(&b->lower));
  PetscCall(VecDestroy(&b->upper));
  PetscCall(VecDestroy(&b->F));
  PetscCall(VecDestroy(&b->w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* v_i = real numbers in [-1, 1] */
static PetscErrorCode Fill(Vec v, PetscInt seed)
{
  PetscFunctionBeginUser;
  PetscCall(DiniTestFill(v, seed));
  PetscCall(VecRealPart(v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Expect(Dini dini, PetscInt nheld, PetscInt nweak)
{
  IS       held, weak;
  PetscInt n;

  PetscFunctionBeginUser;
  PetscCall(DiniGetActiveSet(dini, &held, &weak));
  PetscCall(ISGetSize(held, &n));
  DiniTestCount(n, nheld, "entries held at a bound");
  PetscCall(ISGetSize(weak, &n));
  DiniTestCount(n, nweak, "weakly active entries");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- Closed forms ---- */

/* What entry i of the diagonal problem is to be: below, inside, above, weakly active below; its m, and du/dm */
typedef enum { BELOW, INSIDE, ABOVE, WEAK } Place;
static Place PlaceOf(PetscInt i, PetscBool weak)
{
  if (weak && i == 0) return WEAK;
  return (Place)((i + 1) % 3);
}

/* T diagonal: u = clip(m / T, -0.3, 0.4), du/dm = 1 / T inside and 0 outside, du/dl = 1 below, du/dh = 1 above */
static PetscErrorCode TestDiagonal(PetscInt N, SNESType type, PetscBool weak, DiniWeakActivity activity)
{
  Box         b;
  PetscInt    lo, hi, count = 0, first;
  Vec         dm, du, expected, ubar, mbar;
  PetscScalar t;

  PetscFunctionBeginUser;
  PetscCall(BoxCreate(N, 0.0, 0.0, type, &b));
  PetscCall(VecSet(b.lower, -0.3));
  PetscCall(VecSet(b.upper, 0.4));
  PetscCall(VecGetOwnershipRange(b.u, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) {
    const Place     place    = PlaceOf(i, weak);
    const PetscReal target[] = {-0.7, 0.1, 0.9, -0.3};

    PetscCall(MatGetValue(b.T, i, i, &t));
    PetscCall(VecSetValue(b.m, i, t * target[place], INSERT_VALUES));
  }
  PetscCall(VecAssemblyBegin(b.m));
  PetscCall(VecAssemblyEnd(b.m));
  for (PetscInt i = 0; i < N; i++)
    if (PlaceOf(i, weak) == BELOW || PlaceOf(i, weak) == ABOVE) count++;
  PetscCall(BoxDini(&b));
  PetscCall(DiniSetWeakActivity(b.dini, activity, PETSC_DEFAULT));
  PetscCall(DiniSolve(b.dini, b.u));
  first = weak ? 1 : 0;
  PetscCall(Expect(b.dini, count + (activity == DINI_WEAK_ACTIVITY_ACTIVE ? first : 0), first));
  PetscCall(DiniCreateParameterVec(b.dini, &dm));
  PetscCall(Fill(dm, 1));
  PetscCall(VecDuplicate(b.u, &du));
  PetscCall(VecDuplicate(b.u, &expected));
  PetscCall(VecDuplicate(b.u, &ubar));
  PetscCall(VecDuplicate(dm, &mbar));
  PetscCall(VecCopy(dm, expected));
  for (PetscInt i = lo; i < hi; i++) {
    const Place place = PlaceOf(i, weak);
    PetscScalar value;

    PetscCall(MatGetValue(b.T, i, i, &t));
    PetscCall(VecGetValues(dm, 1, &i, &value));
    if (place != INSIDE && (place != WEAK || activity == DINI_WEAK_ACTIVITY_ACTIVE)) value = 0.0;
    PetscCall(VecSetValue(expected, i, value / t, INSERT_VALUES));
  }
  PetscCall(VecAssemblyBegin(expected));
  PetscCall(VecAssemblyEnd(expected));
  PetscCall(DiniJVP(b.dini, dm, du));
  if (count < N - (activity == DINI_WEAK_ACTIVITY_ACTIVE ? first : 0)) {
    PetscCall(DiniTestVecsClose(du, expected, 1e-9, "tangent of the diagonal problem"));
    PetscCall(DiniVJP(b.dini, dm, mbar)); /* it is its own adjoint */
    PetscCall(DiniTestVecsClose(mbar, expected, 1e-9, "adjoint of the diagonal problem"));
    PetscCall(DiniTestDotProduct(b.dini, 1e-9));
  } else {
    PetscReal norm;

    PetscCall(VecNorm(du, NORM_INFINITY, &norm));
    DiniTestTrue(norm == 0.0, "A tangent with everything active is %g, not zero", (double)norm);
    PetscCall(DiniVJP(b.dini, dm, mbar));
    PetscCall(VecNorm(mbar, NORM_INFINITY, &norm));
    DiniTestTrue(norm == 0.0, "A gradient with everything active is %g, not zero", (double)norm);
  }
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&expected));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(BoxDestroy(&b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  A string on nodes i = 1..n, u = 0 outside, pushed down by m = -1 on an obstacle at -d: for large d it hangs free, for small
  d all nodes touch, and between the contact set is an interval in the middle. The reference solves on it by hand.
*/
static PetscErrorCode SetString(Box *b)
{
  PetscInt lo, hi, N;

  PetscFunctionBeginUser;
  PetscCall(VecGetSize(b->u, &N));
  PetscCall(MatGetOwnershipRange(b->T, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) {
    PetscCall(MatSetValue(b->T, i, i, 2.0, INSERT_VALUES));
    if (i > 0) PetscCall(MatSetValue(b->T, i, i - 1, -1.0, INSERT_VALUES));
    if (i + 1 < N) PetscCall(MatSetValue(b->T, i, i + 1, -1.0, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(b->T, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(b->T, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  du by the tridiagonal solution between contacts, on every rank: held[i] says that node i follows its obstacle, whose change
  is dl[i]; the elimination starts anew behind every contact.
*/
static PetscErrorCode StringTangent(PetscInt N, const PetscBool held[], const PetscReal dm[], const PetscReal dl[],
                                    PetscReal du[])
{
  PetscReal *c, *d;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(N, &c, N, &d));
  for (PetscInt i = 0; i < N; i++) { /* u_i = d_i + c_i u_{i+1} */
    if (held[i]) {
      c[i] = 0.0;
      d[i] = dl[i];
    } else {
      const PetscReal pivot = 2.0 - (i > 0 ? c[i - 1] : 0.0);

      c[i] = 1.0 / pivot;
      d[i] = (dm[i] + (i > 0 ? d[i - 1] : 0.0)) / pivot;
    }
  }
  for (PetscInt i = N - 1; i >= 0; i--) du[i] = d[i] + (i + 1 < N ? c[i] * du[i + 1] : 0.0);
  PetscCall(PetscFree2(c, d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Every rank's copy of v */
static PetscErrorCode Gather(Vec v, PetscReal x[])
{
  VecScatter         scatter;
  Vec                all;
  PetscInt           n;
  const PetscScalar *a;

  PetscFunctionBeginUser;
  PetscCall(VecScatterCreateToAll(v, &scatter, &all));
  PetscCall(VecScatterBegin(scatter, v, all, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterEnd(scatter, v, all, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecGetSize(v, &n));
  PetscCall(VecGetArrayRead(all, &a));
  for (PetscInt i = 0; i < n; i++) x[i] = PetscRealPart(a[i]);
  PetscCall(VecRestoreArrayRead(all, &a));
  PetscCall(VecScatterDestroy(&scatter));
  PetscCall(VecDestroy(&all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Scatter(const PetscReal x[], Vec v)
{
  PetscInt lo, hi;

  PetscFunctionBeginUser;
  PetscCall(VecGetOwnershipRange(v, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) PetscCall(VecSetValue(v, i, x[i], INSERT_VALUES));
  PetscCall(VecAssemblyBegin(v));
  PetscCall(VecAssemblyEnd(v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The parameters are the load m and the obstacle itself: the Vec of the bound. upper: the same upside down */
static PetscErrorCode TestString(PetscInt N, SNESType type, PetscReal depth, PetscBool upper)
{
  const PetscReal sign = upper ? -1.0 : 1.0;
  Box             b;
  PetscInt        obstacle, nheld = 0;
  Vec             dm, du, expected, part, mbar, e, reference;
  PetscReal      *u, *vm, *vl, *vu, *g;
  PetscBool      *held;

  PetscFunctionBeginUser;
  PetscCall(BoxCreate(N, 1.0, 0.0, type, &b));
  PetscCall(SetString(&b));
  PetscCall(VecSet(b.m, -sign));
  PetscCall(VecSet(upper ? b.upper : b.lower, -sign * depth));
  PetscCall(BoxDini(&b));
  PetscCall(DiniAddParameter(b.dini, "obstacle", upper ? b.upper : b.lower, &obstacle));
  PetscCall(DiniSetParameterType(b.dini, obstacle, DINIPARAMETERZERO));
  PetscCall(DiniSetFromOptions(b.dini));
  PetscCall(DiniSolve(b.dini, b.u));
  PetscCall(PetscMalloc6(N, &u, N, &vm, N, &vl, N, &vu, N, &g, N, &held));
  PetscCall(Gather(b.u, u));
  for (PetscInt i = 0; i < N; i++) {
    held[i] = (PetscBool)(PetscAbsReal(u[i] + sign * depth) < 1e-7);
    if (held[i]) nheld++;
  }
  if (N == 10 && depth == 3.3) DiniTestTrue(nheld > 0 && nheld < N, "The string is to touch in the middle only");
  PetscCall(Expect(b.dini, nheld, 0));
  PetscCall(DiniCreateParameterVec(b.dini, &dm));
  PetscCall(Fill(dm, 5));
  PetscCall(VecDuplicate(dm, &mbar));
  PetscCall(VecDuplicate(b.u, &du));
  PetscCall(VecDuplicate(b.u, &expected));
  PetscCall(DiniGetParameterSubVec(b.dini, dm, b.p, &part));
  PetscCall(Gather(part, vm));
  PetscCall(DiniRestoreParameterSubVec(b.dini, dm, b.p, &part));
  PetscCall(DiniGetParameterSubVec(b.dini, dm, obstacle, &part));
  PetscCall(Gather(part, vl));
  PetscCall(DiniRestoreParameterSubVec(b.dini, dm, obstacle, &part));
  PetscCall(DiniJVP(b.dini, dm, du));
  PetscCall(StringTangent(N, held, vm, vl, vu));
  PetscCall(Scatter(vu, expected));
  PetscCall(DiniTestVecsClose(du, expected, 1e-8, "tangent of the string"));
  PetscCall(DiniTestDotProduct(b.dini, 1e-8));
  /* the whole gradient of sum_i w_i u_i, entry by entry, from tangents along unit vectors */
  PetscCall(Fill(expected, 6));
  PetscCall(Gather(expected, u));
  PetscCall(DiniVJP(b.dini, expected, mbar));
  for (PetscInt block = 0; block < 2; block++) {
    for (PetscInt j = 0; j < N; j++) {
      for (PetscInt i = 0; i < N; i++) vm[i] = vl[i] = 0.0;
      if (block) vl[j] = 1.0;
      else vm[j] = 1.0;
      PetscCall(StringTangent(N, held, vm, vl, vu));
      g[j] = 0.0;
      for (PetscInt i = 0; i < N; i++) g[j] += u[i] * vu[i];
    }
    PetscCall(VecDuplicate(b.m, &reference));
    PetscCall(Scatter(g, reference));
    PetscCall(DiniGetParameterSubVec(b.dini, mbar, block ? obstacle : b.p, &part));
    PetscCall(VecDuplicate(part, &e));
    PetscCall(VecWAXPY(e, -1.0, part, reference));
    PetscCall(DiniRestoreParameterSubVec(b.dini, mbar, block ? obstacle : b.p, &part));
    {
      PetscReal error, size;

      PetscCall(VecNorm(e, NORM_INFINITY, &error));
      PetscCall(VecNorm(expected, NORM_INFINITY, &size));
      DiniTestTrue(error <= 1e-8 * size * (PetscReal)(N * N), "gradient of the string, block %d: off by %g", (int)block,
                   (double)error);
    }
    PetscCall(VecDestroy(&e));
    PetscCall(VecDestroy(&reference));
  }
  PetscCall(PetscFree6(u, vm, vl, vu, g, held));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&expected));
  PetscCall(BoxDestroy(&b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- Against plain SNES, differences and DiniCheck() ---- */

/* Nothing active: the derivative is that of F = 0, by another SNES and another Dini */
static PetscErrorCode TestFree(PetscInt N, SNESType type)
{
  Box b, f;
  Vec dm, du, fu, mbar, fbar;

  PetscFunctionBeginUser;
  PetscCall(BoxCreate(N, 0.9, 0.5, type, &b));
  PetscCall(BoxCreate(N, 0.9, 0.5, SNESNEWTONLS, &f));
  PetscCall(VecSet(b.lower, -50.0));
  PetscCall(VecSet(b.upper, 50.0));
  PetscCall(Fill(b.m, 8));
  PetscCall(VecCopy(b.m, f.m));
  PetscCall(BoxDini(&b));
  PetscCall(BoxDini(&f));
  PetscCall(DiniSolve(b.dini, b.u));
  PetscCall(DiniSolve(f.dini, f.u));
  PetscCall(Expect(b.dini, 0, 0));
  PetscCall(DiniTestVec(b.m, 9, &dm));
  PetscCall(VecDuplicate(b.u, &du));
  PetscCall(VecDuplicate(b.u, &fu));
  PetscCall(VecDuplicate(b.m, &mbar));
  PetscCall(VecDuplicate(b.m, &fbar));
  PetscCall(DiniJVP(b.dini, dm, du));
  PetscCall(DiniJVP(f.dini, dm, fu));
  PetscCall(DiniTestVecsClose(du, fu, 1e-8, "tangent with nothing active"));
  PetscCall(DiniVJP(b.dini, dm, mbar));
  PetscCall(DiniVJP(f.dini, dm, fbar));
  PetscCall(DiniTestVecsClose(mbar, fbar, 1e-8, "adjoint with nothing active"));
  DiniTestExpect(DiniGetActiveSet(f.dini, NULL, NULL), PETSC_ERR_ARG_WRONG, "Only a variational inequality");
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&fu));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&fbar));
  PetscCall(BoxDestroy(&b));
  PetscCall(BoxDestroy(&f));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A nonlinear, nonsymmetric problem with both bounds, where both are parameters, and so are m and a scalar by differences */
static PetscErrorCode CreateMixed(PetscInt N, SNESType type, Box *b)
{
  PetscInt p;

  PetscFunctionBeginUser;
  PetscCall(BoxCreate(N, 0.9, 0.5, type, b));
  PetscCall(VecSet(b->lower, -0.2));
  PetscCall(VecSet(b->upper, 0.25));
  PetscCall(Fill(b->m, 8));
  PetscCall(VecScale(b->m, 2.0));
  b->e = 0.1;
  PetscCall(BoxDini(b));
  PetscCall(DiniAddScalarParameter(b->dini, "e", &b->e, NULL));
  PetscCall(DiniAddParameter(b->dini, "floor", b->lower, &p));
  PetscCall(DiniSetParameterType(b->dini, p, DINIPARAMETERZERO));
  PetscCall(DiniAddParameter(b->dini, "ceiling", b->upper, &p));
  PetscCall(DiniSetParameterType(b->dini, p, DINIPARAMETERZERO));
  PetscCall(DiniSetFromOptions(b->dini));
  PetscCall(DiniSolve(b->dini, b->u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Central differences of whole solves, the whole vector; the blocks of directions and of cotangents agree with single ones */
static PetscErrorCode TestDifferences(PetscInt N, SNESType type)
{
  const PetscReal h = 1e-5;
  Box             b;
  Vec             m, dm, du, plus, minus, shifted, ubar, mbar, column;
  Mat             dM, dU, Ubar, Mbar;
  PetscInt        n, nm, Nm;
  PetscViewer     viewer;
  char            text[16384];

  PetscFunctionBeginUser;
  PetscCall(CreateMixed(N, type, &b));
  if (N == 9) { /* both bounds hold some, and some are free */
    PetscReal least, most;

    PetscCall(Expect(b.dini, 6, 0));
    PetscCall(VecMin(b.u, NULL, &least));
    PetscCall(VecMax(b.u, NULL, &most));
    DiniTestClose(least, -0.2, 1e-7, 0.0, "the least u");
    DiniTestClose(most, 0.25, 1e-7, 0.0, "the largest u");
  }
  PetscCall(DiniCreateParameterVec(b.dini, &m));
  PetscCall(VecDuplicate(m, &dm));
  PetscCall(VecDuplicate(m, &mbar));
  PetscCall(VecDuplicate(m, &shifted));
  PetscCall(Fill(dm, 9));
  PetscCall(VecDuplicate(b.u, &du));
  PetscCall(VecDuplicate(b.u, &plus));
  PetscCall(VecDuplicate(b.u, &minus));
  PetscCall(DiniTestVec(b.u, 10, &ubar));
  PetscCall(DiniJVP(b.dini, dm, du));
  PetscCall(DiniVJP(b.dini, ubar, mbar));
  PetscCall(DiniTestDotProduct(b.dini, 1e-8));
  PetscCall(VecGetLocalSize(b.u, &n));
  PetscCall(VecGetLocalSize(m, &nm));
  PetscCall(VecGetSize(m, &Nm));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, nm, PETSC_DECIDE, Nm, 2, NULL, &dM));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, n, PETSC_DECIDE, N, 2, NULL, &dU));
  PetscCall(MatDuplicate(dU, MAT_DO_NOT_COPY_VALUES, &Ubar));
  PetscCall(MatDuplicate(dM, MAT_DO_NOT_COPY_VALUES, &Mbar));
  for (PetscInt j = 0; j < 2; j++) {
    PetscCall(MatDenseGetColumnVecWrite(dM, j, &column));
    if (j) PetscCall(Fill(column, 12));
    else PetscCall(VecCopy(dm, column));
    PetscCall(MatDenseRestoreColumnVecWrite(dM, j, &column));
    PetscCall(MatDenseGetColumnVecWrite(Ubar, j, &column));
    if (j) PetscCall(Fill(column, 13));
    else PetscCall(VecCopy(ubar, column));
    PetscCall(MatDenseRestoreColumnVecWrite(Ubar, j, &column));
  }
  PetscCall(DiniMatJVP(b.dini, dM, dU));
  PetscCall(DiniMatVJP(b.dini, Ubar, Mbar));
  PetscCall(MatDenseGetColumnVecRead(dU, 0, &column));
  PetscCall(DiniTestVecsClose(column, du, 1e-8, "a column of DiniMatJVP()"));
  PetscCall(MatDenseRestoreColumnVecRead(dU, 0, &column));
  PetscCall(MatDenseGetColumnVecRead(Mbar, 0, &column));
  PetscCall(DiniTestVecsClose(column, mbar, 1e-8, "a column of DiniMatVJP()"));
  PetscCall(MatDenseRestoreColumnVecRead(Mbar, 0, &column));
  PetscCall(DiniSetGradientTolerance(b.dini, 1e-9)); /* corrects by the residual of the adjoint system */
  PetscCall(VecCopy(mbar, shifted));
  PetscCall(DiniVJP(b.dini, ubar, mbar));
  PetscCall(DiniTestVecsClose(mbar, shifted, 1e-8, "a gradient to a tolerance of its own"));
  PetscCall(DiniSetGradientTolerance(b.dini, 0.0));

  for (PetscInt side = 0; side < 2; side++) {
    Vec u = side ? minus : plus;

    PetscCall(VecWAXPY(shifted, side ? -h : h, dm, m));
    PetscCall(DiniSetParameters(b.dini, shifted));
    PetscCall(VecSet(u, 0.0));
    PetscCall(SNESSolve(b.snes, NULL, u));
  }
  PetscCall(DiniSetParameters(b.dini, m));
  PetscCall(VecAXPY(plus, -1.0, minus));
  PetscCall(VecScale(plus, 0.5 / h));
  PetscCall(DiniTestVecsClose(du, plus, 1e-6, "tangent against differences of solves"));
  PetscCall(DiniSolve(b.dini, b.u));
  PetscCall(DiniTestTextOpen(&viewer));
  PetscCall(DiniCheck(b.dini, viewer));
  PetscCall(DiniJVP(b.dini, dm, plus)); /* the check has left the point as it was */
  PetscCall(DiniTestVecsClose(du, plus, 1e-7, "tangent after a check"));
  PetscCall(DiniView(b.dini, viewer));
  PetscCall(DiniTestTextClose(&viewer, text, sizeof(text)));
  PetscCall(DiniTestTextHas(text, "Dini check passed"));
  PetscCall(DiniTestTextHas(text, "entries held at a bound, 0 weakly active (inactive)"));
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&dm));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&plus));
  PetscCall(VecDestroy(&minus));
  PetscCall(VecDestroy(&shifted));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(MatDestroy(&dM));
  PetscCall(MatDestroy(&dU));
  PetscCall(MatDestroy(&Ubar));
  PetscCall(MatDestroy(&Mbar));
  PetscCall(BoxDestroy(&b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- Curvature ---- */

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

/* The Hessian of |u|^2 / 2 in load, scalar and both bounds against differences of gradients */
static PetscErrorCode TestHessian(PetscInt N, SNESType type)
{
  const PetscReal h = 1e-5;
  Box             b;
  Vec             m, v, Hv, plus, minus, shifted;
  PetscReal       value;

  PetscFunctionBeginUser;
  PetscCall(CreateMixed(N, type, &b));
  PetscCall(DiniSetState(b.dini, b.u));
  PetscCall(DiniSetObjective(b.dini, Value, Gradient, NULL));
  PetscCall(DiniCreateParameterVec(b.dini, &m));
  PetscCall(VecDuplicate(m, &v));
  PetscCall(VecDuplicate(m, &Hv));
  PetscCall(VecDuplicate(m, &plus));
  PetscCall(VecDuplicate(m, &minus));
  PetscCall(VecDuplicate(m, &shifted));
  PetscCall(Fill(v, 21));
  PetscCall(VecWAXPY(shifted, h, v, m));
  PetscCall(DiniComputeObjectiveAndGradient(b.dini, shifted, &value, plus));
  PetscCall(VecWAXPY(shifted, -h, v, m));
  PetscCall(DiniComputeObjectiveAndGradient(b.dini, shifted, &value, minus));
  PetscCall(VecAXPY(plus, -1.0, minus));
  PetscCall(VecScale(plus, 0.5 / h));
  for (int round = 0; round < 2; round++) { /* lambda from a solve of its own, and from a gradient */
    PetscCall(DiniComputeObjectiveAndGradient(b.dini, m, &value, minus));
    PetscCall(DiniHVP(b.dini, v, Hv));
    PetscCall(DiniTestVecsClose(Hv, plus, 1e-6, "Hessian product of a variational inequality"));
  }
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&Hv));
  PetscCall(VecDestroy(&plus));
  PetscCall(VecDestroy(&minus));
  PetscCall(VecDestroy(&shifted));
  PetscCall(BoxDestroy(&b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  const SNESType types[] = {SNESVINEWTONRSLS, SNESVINEWTONSSLS};

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (int t = 0; t < 2; t++) {
    for (PetscInt N = 1; N <= 10; N++) PetscCall(TestDiagonal(N, types[t], PETSC_FALSE, DINI_WEAK_ACTIVITY_INACTIVE));
    for (int a = 0; a < 2; a++) {
      PetscCall(TestDiagonal(1, types[t], PETSC_TRUE, (DiniWeakActivity)a));
      PetscCall(TestDiagonal(7, types[t], PETSC_TRUE, (DiniWeakActivity)a));
    }
    for (PetscInt N = 1; N <= 10; N += 3) {
      PetscCall(TestString(N, types[t], 1e6, PETSC_FALSE));  /* hangs free */
      PetscCall(TestString(N, types[t], 0.05, PETSC_FALSE)); /* all on the obstacle */
      PetscCall(TestString(N, types[t], 0.05, PETSC_TRUE));
      PetscCall(TestString(N, types[t], 3.3, PETSC_FALSE));
      PetscCall(TestString(N, types[t], 3.3, PETSC_TRUE));
      PetscCall(TestFree(N, types[t]));
    }
    PetscCall(TestDifferences(9, types[t]));
    PetscCall(TestDifferences(2, types[t]));
    PetscCall(TestHessian(9, types[t]));
    PetscCall(TestHessian(2, types[t]));
  }
  PetscCall(PetscFinalize());
  return 0;
}
