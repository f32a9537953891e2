static char help[] = "The object: creation, references, types, prefixes, view, reset, reuse and destruction.\n";

#include "support/fixtures.h"

static PetscErrorCode TestReferences(void)
{
  Dini         dini, second;
  PetscClassId id;
  DiniType     type;
  PetscBool    same;
  PetscInt     n;

  PetscFunctionBeginUser;
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  PetscCall(PetscObjectGetClassId((PetscObject)dini, &id));
  DiniTestTrue(id == DINI_CLASSID, "A Dini has another class id than DINI_CLASSID");
  second = dini;
  PetscCall(PetscObjectReference((PetscObject)dini));
  PetscCall(DiniDestroy(&dini));
  DiniTestTrue(!dini, "DiniDestroy() leaves the handle dangling");
  PetscCall(DiniDestroy(&dini)); /* of NULL: nothing happens */
  for (int k = 0; k < 2; k++) {
    PetscCall(DiniSetType(second, k ? DINISHELL : DINIKSP));
    PetscCall(DiniGetType(second, &type));
    PetscCall(PetscStrcmp(type, k ? DINISHELL : DINIKSP, &same));
    DiniTestTrue(same, "The type reads back as %s", type);
  }
  PetscCall(DiniGetNumberParameters(second, &n));
  DiniTestCount(n, 0, "parameters of a new object");
  PetscCall(DiniDestroy(&second)); /* never set up */
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The setter chooses the type; what is handed over is referenced, so the application may destroy its own handles first. */
static PetscErrorCode TestOwnership(void)
{
  Cubic       c;
  SNES        snes;
  KSP         ksp;
  Vec         m, mbar, expected;
  DiniType    type;
  PetscBool   same;
  PetscInt    before, after;
  const char *name;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(9, 0.0, &c));
  PetscCall(PetscObjectGetReference((PetscObject)c.snes, &before));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERRHS));
  PetscCall(DiniGetType(c.dini, &type));
  PetscCall(PetscStrcmp(type, DINISNES, &same));
  DiniTestTrue(same, "DiniSetSNES() makes the type %s", type);
  PetscCall(DiniGetSNES(c.dini, &snes));
  DiniTestTrue(snes == c.snes, "DiniGetSNES() gives another SNES");
  PetscCall(DiniGetParameter(c.dini, c.p, &name, &m));
  DiniTestTrue(m == c.m, "DiniGetParameter() gives another Vec than the one that was added");
  PetscCall(PetscStrcmp(name, "m", &same));
  DiniTestTrue(same, "The block is called %s", name);
  PetscCall(DiniTestVec(c.u, 5, &expected));
  PetscCall(VecDuplicate(c.m, &mbar));
  snes = c.snes;
  PetscCall(SNESDestroy(&c.snes)); /* Dini holds on to it */
  PetscCall(VecSet(c.u, 0.0));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniVJP(c.dini, expected, mbar));
  PetscCall(VecScale(expected, 0.25));
  PetscCall(DiniTestVecsClose(mbar, expected, 1e-10, "VJP after the application has let go"));
  PetscCall(PetscObjectReference((PetscObject)snes));
  PetscCall(SNESGetKSP(snes, &ksp));
  PetscCall(DiniDestroy(&c.dini));
  PetscCall(PetscObjectGetReference((PetscObject)snes, &after));
  DiniTestCount(after, before, "references to the SNES after DiniDestroy()");
  PetscCall(SNESDestroy(&snes));
  PetscCall(VecDestroy(&expected));
  PetscCall(VecDestroy(&mbar));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestPrefix(void)
{
  Dini        dini;
  DiniType    type;
  const char *prefix;
  PetscBool   same;
  PetscReal   tangent, adjoint;
  const char  options[] = "-a_b_dini_type shell -a_b_dini_tangent_rtol 3e-5 -a_b_dini_adjoint_rtol 2e-6";

  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  PetscCall(DiniSetOptionsPrefix(dini, "a_"));
  PetscCall(DiniAppendOptionsPrefix(dini, "b_"));
  PetscCall(DiniGetOptionsPrefix(dini, &prefix));
  PetscCall(PetscStrcmp(prefix, "a_b_", &same));
  DiniTestTrue(same, "The prefix is %s", prefix);
  PetscCall(DiniSetFromOptions(dini));
  PetscCall(DiniGetType(dini, &type));
  PetscCall(PetscStrcmp(type, DINISHELL, &same));
  DiniTestTrue(same, "-a_b_dini_type shell gives %s", type);
  PetscCall(DiniGetTolerances(dini, &tangent, &adjoint));
  DiniTestClose(tangent, 3e-5, 1e-14, 0.0, "-dini_tangent_rtol");
  DiniTestClose(adjoint, 2e-6, 1e-14, 0.0, "-dini_adjoint_rtol");
  PetscCall(DiniSetTolerances(dini, 1e-8, PETSC_DEFAULT)); /* PETSC_DEFAULT leaves the other alone */
  PetscCall(DiniGetTolerances(dini, &tangent, &adjoint));
  DiniTestClose(tangent, 1e-8, 1e-14, 0.0, "DiniSetTolerances()");
  DiniTestClose(adjoint, 2e-6, 1e-14, 0.0, "DiniSetTolerances() with PETSC_DEFAULT");
  PetscCall(DiniDestroy(&dini));
  PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What a user must be able to read: the type, the block with its kind, and what has been spent. */
static PetscErrorCode TestView(void)
{
  Cubic             c;
  Vec               ubar, mbar;
  PetscViewer       viewer;
  char              text[16384] = "";
  const char *const words[]     = {"Dini Object",   "snes",          "\"m\"",    "matrix",
                                   "forward solve", "adjoint solve", "Jacobian", "residual"};

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(9, DiniTestScalar(0.5, 0.2), &c));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERMATRIX));
  for (int k = 0; k < 2; k++) { /* before anything has happened, and after */
    PetscCall(PetscViewerStringOpen(PETSC_COMM_WORLD, text, sizeof(text), &viewer));
    PetscCall(DiniView(c.dini, viewer)); /* another viewer than ASCII: no crash */
    PetscCall(PetscViewerDestroy(&viewer));
    if (k) break;
    PetscCall(DiniTestVec(c.u, 4, &ubar));
    PetscCall(VecDuplicate(c.m, &mbar));
    PetscCall(DiniSolve(c.dini, c.u));
    PetscCall(DiniVJP(c.dini, ubar, mbar));
  }
  PetscCall(DiniTestTextOpen(&viewer));
  PetscCall(DiniView(c.dini, viewer));
  PetscCall(DiniTestTextClose(&viewer, text, sizeof(text)));
  for (size_t k = 0; k < sizeof(words) / sizeof(*words); k++) PetscCall(DiniTestTextHas(text, words[k]));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* DiniReset() drops what belongs to a point and a size; the object then serves again. */
static PetscErrorCode TestReset(void)
{
  Cubic c;
  Vec   ubar, mbar, expected;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(9, 0.0, &c));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERRHS));
  PetscCall(DiniTestVec(c.u, 6, &ubar));
  PetscCall(VecDuplicate(c.m, &mbar));
  PetscCall(VecDuplicate(c.m, &expected));
  PetscCall(VecCopy(ubar, expected));
  PetscCall(VecScale(expected, 0.25));
  for (int k = 0; k < 3; k++) {
    PetscCall(VecSet(c.u, 0.0));
    PetscCall(DiniSetUp(c.dini));
    PetscCall(DiniSolve(c.dini, c.u));
    PetscCall(VecSet(mbar, 7.0));
    PetscCall(DiniVJP(c.dini, ubar, mbar));
    PetscCall(DiniTestVecsClose(mbar, expected, 1e-10, "VJP after a reset"));
    PetscCall(DiniReset(c.dini));
    DiniTestExpect(DiniVJP(c.dini, ubar, mbar), PETSC_ERR_ORDER, "Solve");
    if (k == 1) PetscCall(DiniReset(c.dini)); /* twice is once */
    /* Keeps the relation or not: both are given again, which is right in either case. */
    PetscCall(DiniSetSNES(c.dini, c.snes));
    if (DiniFindParameter(c.dini, "m", &c.p) || c.p < 0) {
      PetscCall(DiniAddParameter(c.dini, "m", c.m, &c.p));
      PetscCall(DiniSetParameterType(c.dini, c.p, DINIPARAMETERRHS));
    }
  }
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&expected));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A type of the application's own, made of public calls. */
static PetscErrorCode OwnResidual(Dini dini, Vec u, Vec F, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(CubicResidual((Cubic *)ctx, u, F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscInt created = 0;

static PetscErrorCode CreateOwn(Dini dini)
{
  PetscFunctionBeginUser;
  (void)dini;
  created++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestRegister(void)
{
  Dini      dini;
  DiniType  type;
  PetscBool same;
  Cubic     c;
  Vec       F;
  PetscReal norm;

  PetscFunctionBeginUser;
  PetscCall(DiniRegister("own", CreateOwn));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  PetscCall(DiniSetType(dini, "own"));
  PetscCall(DiniGetType(dini, &type));
  PetscCall(PetscStrcmp(type, "own", &same));
  DiniTestTrue(same, "A registered type reads back as %s", type);
  DiniTestCount(created, 1, "calls of a registered type's constructor");
  PetscCall(DiniDestroy(&dini));
  /* Callbacks serve whatever the type */
  PetscCall(CubicCreate(9, 0.0, &c));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  PetscCall(DiniSetType(dini, "own"));
  PetscCall(DiniSetResidual(dini, OwnResidual, &c));
  PetscCall(VecDuplicate(c.u, &F));
  PetscCall(VecSet(c.u, 1.0));
  PetscCall(DiniComputeResidual(dini, c.u, F));
  PetscCall(VecNorm(F, NORM_INFINITY, &norm));
  DiniTestClose(norm, 0.0, 0.0, 1e-14, "residual at the solution");
  PetscCall(VecDestroy(&F));
  PetscCall(DiniDestroy(&dini));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestReferences());
  PetscCall(TestOwnership());
  PetscCall(TestPrefix());
  PetscCall(TestView());
  PetscCall(TestReset());
  PetscCall(TestRegister());
  PetscCall(PetscFinalize());
  return 0;
}
