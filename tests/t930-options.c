static char help[] =
    "Absurd options: refused with the option's value or name in the words, and the object serves afterwards.\n";

#include "support/fixtures.h"

typedef struct {
  const char *options, *words;
} Absurd;

static PetscErrorCode Serves(Cubic *c)
{
  Vec ubar, mbar;

  PetscFunctionBeginUser;
  PetscCall(DiniTestVec(c->u, 1, &ubar));
  PetscCall(VecDuplicate(c->m, &mbar));
  PetscCall(DiniSolve(c->dini, c->u));
  PetscCall(DiniVJP(c->dini, ubar, mbar));
  PetscCall(VecScale(ubar, 0.25));
  PetscCall(DiniTestVecsClose(mbar, ubar, 1e-9, "VJP after an absurd option"));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestAbsurd(Absurd absurd)
{
  Cubic c;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(9, 0.0, &c));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERRHS));
  PetscCall(DiniTestOptionsSet(absurd.options));
  DiniTestExpectAny(DiniSetFromOptions(c.dini), absurd.words);
  PetscCall(DiniTestOptionsClear(absurd.options));
  PetscCall(Serves(&c));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The setters are no more lenient than the options. */
static PetscErrorCode TestSetters(void)
{
  Cubic c;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(9, 0.0, &c));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERRHS));
  DiniTestExpect(DiniSetTolerances(c.dini, -1.0, PETSC_DEFAULT), PETSC_ERR_ARG_OUTOFRANGE, "-1");
  DiniTestExpect(DiniSetTolerances(c.dini, PETSC_DEFAULT, 0.0), PETSC_ERR_ARG_OUTOFRANGE, "0");
  DiniTestExpect(DiniSetTolerances(c.dini, PETSC_DEFAULT, (PetscReal)NAN), PETSC_ERR_ARG_OUTOFRANGE, "");
  DiniTestExpect(DiniSetTolerances(c.dini, PETSC_DEFAULT, 1.5), PETSC_ERR_ARG_OUTOFRANGE, "1.5");
  DiniTestExpect(DiniSetAttachTolerances(c.dini, -1.0, PETSC_DEFAULT), PETSC_ERR_ARG_OUTOFRANGE, "-1");
  DiniTestExpect(DiniSetParameterMaxColumns(c.dini, c.p, -3), PETSC_ERR_ARG_OUTOFRANGE, "-3");
  DiniTestExpect(DiniSetParameterDifference(c.dini, c.p, DINI_DIFFERENCE_CENTRAL, -0.5), PETSC_ERR_ARG_OUTOFRANGE,
                 "-0.5");
  DiniTestExpect(DiniAddParameter(c.dini, "", c.m, NULL), PETSC_ERR_ARG_NULL, "name");
  DiniTestExpect(DiniAddParameter(c.dini, "two words", c.m, NULL), PETSC_ERR_ARG_WRONG, "two words");
  PetscCall(Serves(&c));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A prefix keeps two objects apart. */
static PetscErrorCode TestPrefixes(void)
{
  const char options[] = "-one_dini_adjoint_ksp_max_it 0 -one_dini_guard 0 -one_dini_direct_max 0";
  Cubic      c[2];
  Vec        ubar, mbar;

  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet(options));
  for (int k = 0; k < 2; k++) {
    PetscCall(CubicCreate(9, 0.0, &c[k]));
    PetscCall(CubicDini(&c[k], DINISNES, DINIPARAMETERRHS));
    PetscCall(DiniSetOptionsPrefix(c[k].dini, k ? "two_" : "one_"));
    PetscCall(DiniSetFromOptions(c[k].dini));
  }
  PetscCall(DiniTestVec(c[0].u, 1, &ubar));
  PetscCall(VecDuplicate(c[0].m, &mbar));
  PetscCall(DiniSolve(c[0].dini, c[0].u));
  DiniTestExpect(DiniVJP(c[0].dini, ubar, mbar), PETSC_ERR_NOT_CONVERGED, "-one_dini_adjoint_rtol");
  PetscCall(Serves(&c[1]));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  for (int k = 0; k < 2; k++) PetscCall(CubicDestroy(&c[k]));
  PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  const Absurd absurd[] = {
      {"-dini_adjoint_rtol -1", "-1"},
      {"-dini_adjoint_rtol 0", "0"},
      {"-dini_tangent_rtol -3", "-3"},
      {"-dini_tangent_rtol ten", "ten"},
      {"-dini_attach_rtol -1", "-1"},
      {"-dini_type nosuch", "nosuch"},
      {"-dini_transpose sideways", "sideways"},
      {"-dini_parameter_m_type nosuch", "nosuch"},
      {"-dini_parameter_m_step -1e-3", "-0.001"},
      {"-dini_parameter_m_max_columns -1", "-1"},
      {"-dini_guard perhaps", "perhaps"},
      {"-dini_check hdf5:t930", "-dini_check hdf5:t930: the check prints text"},
      {"-dini_check binary:t930", "-dini_check binary:t930: the check prints text"},
      {"-dini_check draw", "-dini_check draw: the check prints text"},
      {"-dini_check t930.txt", "-dini_check t930.txt: the check prints text"},
  };

  PetscBool made;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(DiniTestForgiveLeaks());
  for (size_t k = 0; k < sizeof(absurd) / sizeof(*absurd); k++) PetscCall(TestAbsurd(absurd[k]));
  PetscCall(PetscTestFile("t930", 'r', &made));
  PetscCheck(!made, PETSC_COMM_SELF, PETSC_ERR_PLIB, "A viewer that is refused has made its file");
  PetscCall(TestSetters());
  PetscCall(TestPrefixes());
  PetscCall(PetscFinalize());
  return 0;
}
