static char help[] =
    "A new type that lives outside the library, u^2 = m by Heron's rule: derivatives in closed form, guards, life.\n";

#include "outside/outside.h"
#include "support/dinitest.h"

typedef struct {
  Vec  u, m;
  Dini dini;
} Roots;

/* m of size one, away from zero and from the branch of the root, and u = 1 */
static PetscErrorCode RootsCreate(DiniType type, PetscInt N, Roots *r)
{
  PetscFunctionBeginUser;
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, PETSC_DECIDE, N, &r->m));
  PetscCall(DiniTestFill(r->m, 1));
  PetscCall(VecScale(r->m, 0.5));
  PetscCall(VecShift(r->m, 2.0));
  PetscCall(VecDuplicate(r->m, &r->u));
  PetscCall(VecSet(r->u, 1.0));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &r->dini));
  PetscCall(DiniSetType(r->dini, type));
  PetscCall(DiniAddParameter(r->dini, "m", r->m, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RootsDestroy(Roots *r)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&r->dini));
  PetscCall(VecDestroy(&r->u));
  PetscCall(VecDestroy(&r->m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* u^2 = m, du = dm / (2 u), mbar = ubar / (2 conj(u)) and ddu = -dm^2 / (4 u^3) */
static PetscErrorCode TestClosedForm(Roots *r)
{
  Vec expected, d, x, two;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(r->u, &expected));
  PetscCall(VecDuplicate(r->u, &x));
  PetscCall(VecDuplicate(r->u, &two));
  PetscCall(VecPointwiseMult(expected, r->u, r->u));
  PetscCall(DiniTestVecsClose(expected, r->m, 1e-12, "u^2"));
  PetscCall(VecCopy(r->u, two));
  PetscCall(VecScale(two, 2.0));
  PetscCall(DiniTestVec(r->u, 2, &d));
  PetscCall(VecPointwiseDivide(expected, d, two));
  PetscCall(DiniJVP(r->dini, d, x));
  PetscCall(DiniTestVecsClose(x, expected, 1e-12, "JVP"));
  PetscCall(VecPointwiseMult(expected, expected, expected)); /* ddu = -du^2 / u */
  PetscCall(VecPointwiseDivide(expected, expected, r->u));
  PetscCall(VecScale(expected, -1.0));
  PetscCall(DiniSecondJVP(r->dini, d, d, x));
  PetscCall(DiniTestVecsClose(x, expected, 1e-5, "second JVP"));
  PetscCall(VecConjugate(two));
  PetscCall(VecPointwiseDivide(expected, d, two));
  PetscCall(DiniVJP(r->dini, d, x));
  PetscCall(DiniTestVecsClose(x, expected, 1e-12, "VJP"));
  PetscCall(VecDestroy(&d));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&two));
  PetscCall(VecDestroy(&expected));
  PetscCall(DiniTestDotProduct(r->dini, 1e-12));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Chosen by an option, with one of its own; checked by Dini itself; printed */
static PetscErrorCode TestOptions(void)
{
  const char  options[] = "-dini_type heron -dini_heron_max_it 30";
  char        text[16384];
  PetscViewer viewer;
  Roots       r;

  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(RootsCreate(DINISHELL, 11, &r));
  PetscCall(DiniSetFromOptions(r.dini));
  PetscCall(DiniTestOptionsClear(options));
  PetscCall(DiniSolve(r.dini, r.u));
  PetscCall(TestClosedForm(&r));
  PetscCall(DiniTestTextOpen(&viewer));
  PetscCall(DiniCheck(r.dini, viewer));
  PetscCall(DiniView(r.dini, viewer));
  PetscCall(DiniTestTextClose(&viewer, text, sizeof(text)));
  PetscCall(DiniTestTextHas(text, "forward solver: Heron's rule, at most 30 steps"));
  PetscCall(DiniTestTextHas(text, "\"m\""));
  PetscCall(RootsDestroy(&r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Another size, another type and back: what the type has built is dropped, what it has been given is freed */
static PetscErrorCode TestLife(void)
{
  Roots r, other;

  PetscFunctionBeginUser;
  PetscCall(RootsCreate("heron", 11, &r));
  for (int k = 0; k < 2; k++) {
    PetscCall(VecSet(r.u, 1.0));
    PetscCall(DiniSolve(r.dini, r.u));
    PetscCall(TestClosedForm(&r));
    PetscCall(DiniSetType(r.dini, DINISHELL));
    PetscCall(DiniSetType(r.dini, "heron"));
  }
  PetscCall(VecSet(r.u, 1.0));
  PetscCall(DiniSolve(r.dini, r.u));
  PetscCall(TestClosedForm(&r));
  PetscCall(DiniReset(r.dini));
  PetscCall(DiniAttach(r.dini, r.u)); /* without a solve */
  PetscCall(TestClosedForm(&r));
  PetscCall(RootsCreate("heron", 5, &other)); /* two of them at a time */
  PetscCall(DiniSolve(other.dini, other.u));
  PetscCall(TestClosedForm(&other));
  PetscCall(TestClosedForm(&r));
  PetscCall(RootsDestroy(&other));
  PetscCall(RootsDestroy(&r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- What an author may get wrong ---- */

static PetscErrorCode MinusJacobian(Dini dini, Vec u, Mat *J, Mat *P)
{
  PetscFunctionBeginUser;
  PetscCall((*HeronOps.jacobian)(dini, u, J, P));
  PetscCall(MatScale(*J, -1.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode NoSolve(Dini dini, Vec u, DiniForwardResult *result)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)u;
  result->reason = DINI_CONVERGED_FORWARD;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SilentSolve(Dini dini, Vec u, DiniForwardResult *result)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)u;
  (void)result;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Heron, but for one method */
static PetscErrorCode CreateWith(Dini dini, DiniOps ops)
{
  PetscFunctionBeginUser;
  PetscCall(DiniCreate_Heron(dini));
  PetscCall(DiniSetOps(dini, &ops));
  PetscFunctionReturn(PETSC_SUCCESS);
}

#define HERON_WITH(method, function)                                                                                   \
  static PetscErrorCode CreateWith_##function(Dini dini)                                                               \
  {                                                                                                                    \
    DiniOps ops = HeronOps;                                                                                            \
                                                                                                                       \
    PetscFunctionBeginUser;                                                                                            \
    ops.method = function;                                                                                             \
    PetscCall(CreateWith(dini, ops));                                                                                  \
    PetscFunctionReturn(PETSC_SUCCESS);                                                                                \
  }
HERON_WITH(jacobian, MinusJacobian)
HERON_WITH(solve, NoSolve)
HERON_WITH(solve, SilentSolve)

static PetscErrorCode CreateEmpty(Dini dini)
{
  const DiniOps ops = {.view = NULL};

  PetscFunctionBeginUser;
  PetscCall(DiniSetOps(dini, &ops));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestFaults(void)
{
  const char options[] = "-dini_heron_max_it 1";
  Roots      r;
  Vec        d, e;

  PetscFunctionBeginUser;
  PetscCall(DiniRegister("minus", CreateWith_MinusJacobian));
  PetscCall(DiniRegister("liar", CreateWith_NoSolve));
  PetscCall(DiniRegister("silent", CreateWith_SilentSolve));
  PetscCall(DiniRegister("empty", CreateEmpty));
  PetscCall(RootsCreate("minus", 11, &r));
  PetscCall(DiniSolve(r.dini, r.u));
  PetscCall(DiniTestVec(r.u, 3, &d));
  PetscCall(VecDuplicate(d, &e));
  DiniTestExpect(DiniVJP(r.dini, d, e), PETSC_ERR_ARG_WRONG, "The Jacobian is not dF/du");
  PetscCall(VecSet(r.u, 1.0));
  PetscCall(DiniSetType(r.dini, "liar"));
  PetscCall(DiniSolve(r.dini, r.u));
  DiniTestExpectAny(DiniVJP(r.dini, d, e), "|F|");
  PetscCall(DiniSetType(r.dini, "silent"));
  DiniTestExpect(DiniSolve(r.dini, r.u), PETSC_ERR_NOT_CONVERGED, "(silent) stopped with no reason of its own");
  PetscCall(DiniSetType(r.dini, "empty"));
  DiniTestExpect(DiniSolve(r.dini, r.u), PETSC_ERR_ORDER, "of type \"empty\", has no solve of its own");
  DiniTestExpect(DiniAttach(r.dini, r.u), PETSC_ERR_ORDER, "of type \"empty\", has no residual of its own");
  PetscCall(DiniSetType(r.dini, "heron"));
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(DiniSetFromOptions(r.dini));
  PetscCall(DiniTestOptionsClear(options));
  DiniTestExpect(
      DiniSolve(r.dini, r.u), PETSC_ERR_NOT_CONVERGED,
      "The forward solve (heron) stopped with -dini_heron_max_it after 1 iterations, so there is no solution "
      "to differentiate at");
  PetscCall(DiniAddParameter(r.dini, "second", d, NULL));
  DiniTestExpect(DiniSolve(r.dini, r.u), PETSC_ERR_ORDER, "Type \"heron\" has one block of parameters");
  PetscCall(VecDestroy(&e));
  PetscCall(VecDestroy(&d));
  PetscCall(RootsDestroy(&r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestMisuse(void)
{
  Dini dini;

  PetscFunctionBeginUser;
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  DiniTestExpect(DiniSetOps(dini, NULL), PETSC_ERR_ARG_NULL, "no table of methods");
  DiniTestExpect(DiniSetOps(dini, &HeronOps), PETSC_ERR_ORDER, "has no type whose methods these were");
  DiniTestExpect(DiniRegister(NULL, DiniCreate_Heron), PETSC_ERR_ARG_NULL, "a name and a function");
  DiniTestExpect(DiniRegister("", DiniCreate_Heron), PETSC_ERR_ARG_NULL, "a name and a function");
  DiniTestExpect(DiniRegister("none", NULL), PETSC_ERR_ARG_NULL, "a name and a function");
  DiniTestExpect(DiniSetType(dini, "none"), PETSC_ERR_ARG_UNKNOWN_TYPE, "none");
  PetscCall(DiniDestroy(&dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(DiniRegister("heron", DiniCreate_Heron));
  PetscCall(TestOptions());
  PetscCall(TestLife());
  PetscCall(TestFaults());
  PetscCall(TestMisuse());
  PetscCall(PetscFinalize());
  return 0;
}
