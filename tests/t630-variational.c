static char help[] =
    "Derivatives of variational inequalities against closed forms: a box and a string over an obstacle.\n";

#include "support/fixtures.h"

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
  PetscCall(BoxExpect(b.dini, count + (activity == DINI_WEAK_ACTIVITY_ACTIVE ? first : 0), first));
  PetscCall(DiniCreateParameterVec(b.dini, &dm));
  PetscCall(BoxFill(dm, 1));
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
  PetscCall(BoxExpect(b.dini, nheld, 0));
  PetscCall(DiniCreateParameterVec(b.dini, &dm));
  PetscCall(BoxFill(dm, 5));
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
  PetscCall(BoxFill(expected, 6));
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
    }
  }
  PetscCall(PetscFinalize());
  return 0;
}
