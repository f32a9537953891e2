static char help[] = "A new part that lives outside the library, a counter of derivatives: its methods, its option, "
                     "and the guards of the registry.\n";

#include "outside/outside.h"
#include "support/dinitest.h"

/* A part that notes which of its methods have been called */
static int called[6];

static PetscErrorCode Called(int k)
{
  called[k]++;
  return PETSC_SUCCESS;
}
static PetscErrorCode ProbeCreate(Dini dini)
{
  (void)dini;
  return Called(0);
}
static PetscErrorCode ProbeSetFromOptions(Dini dini, DiniOptionItems PetscOptionsObject)
{
  (void)dini;
  (void)PetscOptionsObject;
  return Called(1);
}
static PetscErrorCode ProbeFirstDerivative(Dini dini)
{
  (void)dini;
  return Called(2);
}
static PetscErrorCode ProbeView(Dini dini, PetscViewer viewer)
{
  (void)dini;
  (void)viewer;
  return Called(3);
}
static PetscErrorCode ProbeReset(Dini dini)
{
  (void)dini;
  return Called(4);
}
static PetscErrorCode ProbeDestroy(Dini dini)
{
  (void)dini;
  return Called(5);
}

static const DiniFeature probe = {"probe",   ProbeCreate, ProbeSetFromOptions, ProbeFirstDerivative,
                                  ProbeView, ProbeReset,  ProbeDestroy};

/* Before there is an object. What is refused leaves the registry as it was. */
static PetscErrorCode TestRegistry(DiniFeature more[])
{
  const DiniFeature nameless = {.name = NULL}, unnamed = {.name = ""}, twin = {.name = "counter"},
                    own = {.name = "objective"};
  int n                 = 0;

  PetscFunctionBeginUser;
  PetscCall(DiniRegisterFeature(&CounterFeature));
  PetscCall(DiniRegisterFeature(&probe));
  DiniTestExpect(DiniRegisterFeature(NULL), PETSC_ERR_ARG_NULL, "no table of a part");
  DiniTestExpect(DiniRegisterFeature(&nameless), PETSC_ERR_ARG_NULL, "has no name");
  DiniTestExpect(DiniRegisterFeature(&unnamed), PETSC_ERR_ARG_NULL, "has no name");
  DiniTestExpect(DiniRegisterFeature(&CounterFeature), PETSC_ERR_ARG_IDN, "There is a part \"counter\" already");
  DiniTestExpect(DiniRegisterFeature(&twin), PETSC_ERR_ARG_IDN, "There is a part \"counter\" already");
  DiniTestExpect(DiniRegisterFeature(&own), PETSC_ERR_ARG_IDN, "There is a part \"objective\" already");
  for (; n < DINI_MAX_FEATURES; n++) {
    PetscErrorCode failed;

    PetscCall(DiniTestCatch());
    failed = DiniRegisterFeature(&more[n]);
    if (failed) {
      PetscCall(DiniTestCaught(failed, PETSC_ERR_ARG_OUTOFRANGE, "is one too many", "DiniRegisterFeature()", __FILE__,
                               __LINE__));
      break;
    }
    PetscCall(DiniTestRelease());
  }
  DiniTestTrue(n > 0 && n < DINI_MAX_FEATURES - 2, "%d empty parts have been taken beside two others", n);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestCounter(void)
{
  const char  options[] = "-dini_counter -dini_check ascii:/dev/null";
  char        text[16384];
  Vec         u, m, x, y;
  PetscViewer viewer;
  Dini        dini;

  PetscFunctionBeginUser;
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, PETSC_DECIDE, 7, &m));
  PetscCall(DiniTestFill(m, 1));
  PetscCall(VecScale(m, 0.5));
  PetscCall(VecShift(m, 2.0));
  PetscCall(VecDuplicate(m, &u));
  PetscCall(VecSet(u, 1.0));
  PetscCall(DiniTestVec(m, 2, &x));
  PetscCall(VecDuplicate(m, &y));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  PetscCall(DiniSetType(dini, "heron"));
  PetscCall(DiniAddParameter(dini, "m", m, NULL));
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(DiniSetFromOptions(dini));
  PetscCall(DiniTestOptionsClear(options));
  PetscCall(DiniSolve(dini, u));
  DiniTestCount(called[2], 0, "first derivatives before there is one");
  PetscCall(DiniVJP(dini, x, y));
  DiniTestCount(called[2], 1, "first derivatives after one");
  PetscCall(DiniTestTextOpen(&viewer));
  PetscCall(DiniView(dini, viewer));
  PetscCall(DiniTestTextClose(&viewer, text, sizeof(text)));
  PetscCall(DiniTestTextHas(text, "counter: "));
  PetscCall(DiniReset(dini)); /* counts begin anew */
  PetscCall(DiniAttach(dini, u));
  for (int k = 0; k < 3; k++) {
    PetscCall(DiniTestFill(x, 3 + k));
    if (k < 2) PetscCall(DiniJVP(dini, x, y));
    PetscCall(DiniVJP(dini, x, y));
  }
  PetscCall(DiniTestTextOpen(&viewer));
  PetscCall(DiniView(dini, viewer));
  PetscCall(DiniTestTextClose(&viewer, text, sizeof(text)));
  PetscCall(DiniTestTextHas(text, "counter: 2 tangents, 3 adjoints\n"));
  PetscCall(DiniDestroy(&dini));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  static char       names[DINI_MAX_FEATURES][8]; /* the registry keeps both */
  DiniFeature       more[DINI_MAX_FEATURES] = {{.name = NULL}};
  const DiniFeature late                    = {.name = "late"};

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (int k = 0; k < DINI_MAX_FEATURES; k++) {
    PetscCall(PetscSNPrintf(names[k], sizeof(names[k]), "part%d", k));
    more[k].name = names[k];
  }
  PetscCall(DiniRegister("heron", DiniCreate_Heron));
  PetscCall(TestRegistry(more));
  PetscCall(TestCounter());
  DiniTestCount(called[0], 1, "create()");
  DiniTestCount(called[1], 1, "setfromoptions()");
  DiniTestCount(called[2], 1, "firstderivative()");
  DiniTestCount(called[3], 2, "view()");
  DiniTestTrue(called[4] >= 2, "reset() has been called %d times, not at DiniReset() and at the end", called[4]);
  DiniTestCount(called[5], 1, "destroy()");
  DiniTestExpect(DiniRegisterFeature(&late), PETSC_ERR_ORDER, "The part \"late\" comes too late");
  PetscCall(PetscFinalize());
  return 0;
}
