static char help[] =
    "A SNES that takes differences for its Jacobian by itself: Dini's own are in their place, and said to be.\n";

#include "support/fixtures.h"

typedef struct {
  ChainGives  gives;
  const char *options;
} Way;

/* With a careless step of PETSc's, too; with aspin the colouring's base would be the preconditioned function */
static const Way ways[] = {
    {CHAIN_LOCAL_F, "-mat_fd_coloring_err 1e-4"},
    {CHAIN_CALLBACK, "-snes_fd_color -mat_fd_coloring_err 1e-4"},
    {CHAIN_CALLBACK, "-snes_fd"},
    {CHAIN_LOCAL, "-snes_fd_color -mat_fd_coloring_err 1e-4"},
    {CHAIN_LOCAL_F, "-snes_type newtontr"},
    {CHAIN_LOCAL_F, "-snes_type aspin"},
    {CHAIN_LOCAL_F, "-snes_lag_jacobian 3"},
};

/* The worse of both directions, relative to the exact derivative */
static PetscErrorCode Error(Chain *c, PetscReal *error)
{
  Vec       x, y, expected;
  PetscReal mine;

  PetscFunctionBeginUser;
  *error = 0.0;
  PetscCall(DiniTestVec(c->u, 7, &x));
  PetscCall(VecDuplicate(c->u, &expected));
  for (int adjoint = 0; adjoint < 2; adjoint++) {
    PetscCall(VecDuplicate(adjoint ? c->m : c->u, &y));
    if (adjoint) PetscCall(DiniVJP(c->dini, x, y));
    else PetscCall(DiniJVP(c->dini, x, y));
    PetscCall(ChainReference(c, (PetscBool)adjoint, x, expected));
    PetscCall(DiniTestDistance(y, expected, &mine));
    *error = PetscMax(*error, mine);
    PetscCall(VecDestroy(&y));
  }
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&expected));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestWay(const Way *way)
{
  Chain          c;
  DiniStatistics s;
  PetscReal      error;
  PetscViewer    viewer;
  char           text[8192];

  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet(way->options));
  PetscCall(ChainCreate(11, way->gives, &c));
  PetscCall(ChainDini(&c));
  for (int point = 0; point < 2; point++) {
    PetscCall(DiniSolve(c.dini, c.u));
    PetscCall(Error(&c, &error));
    DiniTestTrue(error <= 1e-8, "%s: off by a relative %g", way->options, (double)error);
    PetscCall(VecShift(c.m, 0.1));
  }
  PetscCall(DiniGetStatistics(c.dini, &s));
  DiniTestTrue(s.gradient_error > 0.0 && s.gradient_error < 1e-8, "The error is said to be %g",
               (double)s.gradient_error);
  PetscCall(DiniTestTextOpen(&viewer));
  PetscCall(DiniView(c.dini, viewer));
  PetscCall(DiniTestTextClose(&viewer, text, sizeof(text)));
  PetscCall(DiniTestTextHas(text, "Jacobian: coloured differences on the pattern of"));
  PetscCall(ChainDestroy(&c));
  PetscCall(DiniTestOptionsClear(way->options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Who insists on them gets them, with what they miss in the error of the gradient */
static PetscErrorCode TestInsisted(void)
{
  const char     options[] = "-snes_fd_color -mat_fd_coloring_err 1e-5 -dini_jacobian_type given";
  Chain          c;
  DiniStatistics s;
  PetscReal      error;
  PetscViewer    viewer;
  char           text[8192];

  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(ChainCreate(11, CHAIN_CALLBACK, &c));
  PetscCall(ChainDini(&c));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(Error(&c, &error));
  PetscCall(DiniGetStatistics(c.dini, &s));
  DiniTestTrue(error > 1e-8 && s.gradient_error > 0.1 * error && s.gradient_error < 100.0 * error,
               "The error is %g and said to be %g", (double)error, (double)s.gradient_error);
  PetscCall(DiniTestTextOpen(&viewer));
  PetscCall(DiniView(c.dini, viewer));
  PetscCall(DiniTestTextClose(&viewer, text, sizeof(text)));
  PetscCall(DiniTestTextHas(text, "Jacobian: as given, by differences of its own"));
  PetscCall(ChainDestroy(&c));
  PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A state found elsewhere: the SNES has filled nothing that could precondition */
static PetscErrorCode TestAttached(void)
{
  Chain     solved, c;
  PetscReal error;

  PetscFunctionBeginUser;
  PetscCall(ChainCreate(11, CHAIN_LOCAL_F, &solved));
  PetscCall(ChainDini(&solved));
  PetscCall(DiniSolve(solved.dini, solved.u));
  PetscCall(ChainCreate(11, CHAIN_LOCAL_F, &c));
  PetscCall(ChainDini(&c));
  PetscCall(VecCopy(solved.u, c.u));
  PetscCall(DiniAttach(c.dini, c.u));
  PetscCall(Error(&c, &error));
  DiniTestTrue(error <= 1e-8, "Attached: off by a relative %g", (double)error);
  PetscCall(ChainDestroy(&solved));
  PetscCall(ChainDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(ways); k++) PetscCall(TestWay(&ways[k]));
  PetscCall(TestInsisted());
  PetscCall(TestAttached());
  PetscCall(PetscFinalize());
  return 0;
}
