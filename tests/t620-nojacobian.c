static char help[] =
    "Where J comes from: every type of SNES, with a Jacobian, without one, and with something else in its place.\n\
Each row of the table is right against a factorisation of the test's own J, or is the error it should be.\n";

#include "support/fixtures.h"

/* What the adjoint has to be; the tangent is right in every row. */
typedef enum { RIGHT, REFUSED } Expected;

typedef struct {
  ChainGives       gives;
  DiniJacobianType used;       /* as DiniGetJacobianType() tells it */
  PetscInt         maxcolumns; /* -1: as it is */
  Expected         adjoint;
  const char      *options;
  const char      *words;
} Row;

#define GIVEN    DINI_JACOBIAN_GIVEN
#define COLORING DINI_JACOBIAN_COLORING
#define FD       DINI_JACOBIAN_FD
#define MF       DINI_JACOBIAN_MF

static const Row rows[] = {
    /* types that form J, and what they may have in its place */
    {CHAIN_CALLBACK, GIVEN, -1, RIGHT, "-snes_type newtonls", ""},
    {CHAIN_CALLBACK, GIVEN, -1, RIGHT, "-snes_type newtontr", ""},
    {CHAIN_CALLBACK, GIVEN, -1, RIGHT, "-snes_type newtontrdc", ""},
    {CHAIN_CALLBACK, GIVEN, -1, RIGHT, "-snes_lag_jacobian 3", ""},
    {CHAIN_CALLBACK, GIVEN, -1, RIGHT, "-snes_lag_jacobian -2", ""},
    {CHAIN_CALLBACK, GIVEN, -1, RIGHT, "-snes_lag_preconditioner 2 -snes_lag_preconditioner_persists", ""},
    {CHAIN_CALLBACK, GIVEN, -1, RIGHT, "-snes_lag_jacobian 2 -snes_lag_jacobian_persists", ""},
    {CHAIN_CALLBACK, FD, -1, RIGHT, "-snes_mf", ""},
    {CHAIN_CALLBACK, MF, 0, REFUSED, "-snes_mf", "-dini_jacobian_max_columns"},
    {CHAIN_CALLBACK, COLORING, 0, RIGHT, "-snes_mf_operator", ""},
    {CHAIN_CALLBACK, COLORING, -1, RIGHT, "-snes_fd", ""},
    {CHAIN_CALLBACK, COLORING, -1, RIGHT, "-snes_fd_color", ""},
    {CHAIN_CALLBACK, COLORING, 0, RIGHT, "-dini_jacobian_type coloring", ""},
    {CHAIN_CALLBACK, FD, -1, RIGHT, "-dini_jacobian_type fd", ""},
    {CHAIN_CALLBACK, MF, -1, REFUSED, "-dini_jacobian_type mf", "DiniSetAdjointSolve()"},
    {CHAIN_LOCAL, GIVEN, -1, RIGHT, "-snes_type newtonls", ""},
    {CHAIN_LOCAL, COLORING, 0, RIGHT, "-snes_mf", ""},
    {CHAIN_LOCAL, COLORING, 0, RIGHT, "-snes_mf_operator", ""},
    {CHAIN_LOCAL_F, COLORING, 0, RIGHT, "-snes_type newtonls", ""}, /* PETSc colours */
    /* matrices that are not dF/du, on the pattern of dF/du: they precondition */
    {CHAIN_PICARD, COLORING, 0, RIGHT, "-snes_type newtonls", ""},
    {CHAIN_PICARD, COLORING, 0, RIGHT, "-ksp_type preonly -pc_type redundant", ""},
    {CHAIN_PICARD, COLORING, 0, RIGHT, "-snes_mf_operator", ""},
    {CHAIN_PICARD, COLORING, 0, RIGHT, "-snes_type ngmres", ""},
    {CHAIN_PICARD, COLORING, 0, RIGHT, "-snes_type newtonls -snes_lag_jacobian 2", ""},
    {CHAIN_FROZEN, COLORING, 0, RIGHT, "-snes_type newtonls", ""},
    {CHAIN_FROZEN, COLORING, 0, RIGHT, "-snes_type newtonls -snes_lag_jacobian 2", ""},
    {CHAIN_FROZEN, COLORING, 0, RIGHT, "-snes_type anderson", ""},
    {CHAIN_FROZEN, COLORING, 0, RIGHT, "-snes_mf_operator", ""},
    /* not on its pattern: coloured differences would be wrong, and are found out */
    {CHAIN_DIAGONAL, FD, -1, RIGHT, "-snes_type newtonls", ""},
    {CHAIN_DIAGONAL, MF, 0, REFUSED, "-snes_type newtonls", "entries are missing in the pattern"},
    {CHAIN_DIAGONAL, FD, -1, RIGHT, "-snes_type qn", ""},
    {CHAIN_DIAGONAL, MF, 0, REFUSED, "-snes_mf_operator", "entries are missing in the pattern"},
    {CHAIN_DIAGONAL, FD, -1, RIGHT, "-snes_mf_operator", ""},
    /* types that never form J: the callback, the mesh, a difference each, or products only */
    {CHAIN_CALLBACK, GIVEN, 0, RIGHT, "-snes_type ngmres", ""},
    {CHAIN_NONE, FD, -1, RIGHT, "-snes_type ngmres", ""},
    {CHAIN_NONE, MF, 0, REFUSED, "-snes_type ngmres", "no assembled matrix tells its pattern"},
    {CHAIN_LOCAL, COLORING, 0, RIGHT, "-snes_type ngmres", ""},
    {CHAIN_LOCAL, GIVEN, 0, RIGHT, "-snes_type ngmres -dini_jacobian_type given", ""},
    {CHAIN_LOCAL_F, COLORING, 0, RIGHT, "-snes_type ngmres", ""},
    {CHAIN_CALLBACK, GIVEN, 0, RIGHT, "-snes_type anderson", ""},
    {CHAIN_NONE, FD, -1, RIGHT, "-snes_type anderson", ""},
    {CHAIN_LOCAL_VECS, COLORING, 0, RIGHT, "-snes_type anderson", ""},
    {CHAIN_CALLBACK, GIVEN, 0, RIGHT, "-snes_type qn", ""},
    {CHAIN_NONE, FD, -1, RIGHT, "-snes_type qn", ""},
    {CHAIN_CALLBACK, GIVEN, 0, RIGHT, "-snes_type qn -snes_qn_scale_type jacobian", ""},
    {CHAIN_LOCAL_F, COLORING, 0, RIGHT, "-snes_type qn", ""},
    {CHAIN_CALLBACK, GIVEN, 0, RIGHT, "-snes_type nrichardson -snes_linesearch_type l2", ""},
    {CHAIN_NONE, FD, -1, RIGHT, "-snes_type nrichardson -snes_linesearch_type l2", ""},
    {CHAIN_LOCAL_F, COLORING, 0, RIGHT, "-snes_type nrichardson -snes_linesearch_type l2", ""},
    {CHAIN_CALLBACK, GIVEN, 0, RIGHT, "-snes_type ncg -snes_linesearch_type l2", ""},
    {CHAIN_NONE, FD, -1, RIGHT, "-snes_type ncg -snes_linesearch_type l2", ""},
    {CHAIN_LOCAL_F, COLORING, 0, RIGHT, "-snes_type ncg -snes_linesearch_type l2", ""},
#if !defined(PETSC_USE_COMPLEX) /* the secants of PETSc's NGS are real */
    {CHAIN_LOCAL_F, COLORING, 0, RIGHT, "-snes_type ngs -snes_ngs_secant", ""},
    {CHAIN_LOCAL, COLORING, 0, RIGHT, "-snes_type ngs -snes_ngs_secant", ""},
#endif
    {CHAIN_LOCAL, COLORING, 0, RIGHT, "-snes_type nasm -snes_nasm_type basic", ""},
    {CHAIN_LOCAL_F, COLORING, 0, RIGHT, "-snes_type nasm -snes_nasm_type basic", ""},
    {CHAIN_LOCAL, COLORING, 0, RIGHT, "-snes_type fas -snes_fas_levels 2", ""},
    {CHAIN_LOCAL_F, COLORING, 0, RIGHT, "-snes_type fas -snes_fas_levels 2", ""},
    {CHAIN_LOCAL, GIVEN, 0, RIGHT, "-snes_type aspin", ""},
    {CHAIN_CALLBACK, GIVEN, 0, RIGHT,
     "-snes_type composite -snes_composite_type multiplicative -snes_composite_sneses newtonls,ngmres", ""},
    {CHAIN_LOCAL_F, COLORING, 0, RIGHT,
     "-snes_type composite -snes_composite_type additiveoptimal -snes_composite_sneses newtonls,ngmres", ""},
    /* nonlinear preconditioners: F is the SNES's own function, whatever it iterates on */
    {CHAIN_CALLBACK, GIVEN, 0, RIGHT,
     "-snes_type ngmres -npc_snes_type nrichardson -npc_snes_max_it 3 -snes_npc_side left", ""},
    {CHAIN_CALLBACK, GIVEN, 0, RIGHT,
     "-snes_type ngmres -npc_snes_type nrichardson -npc_snes_max_it 3 -snes_npc_side right", ""},
    {CHAIN_CALLBACK, GIVEN, 0, RIGHT,
     "-snes_type newtonls -npc_snes_type nrichardson -npc_snes_max_it 2 -snes_npc_side right", ""},
    {CHAIN_CALLBACK, COLORING, -1, RIGHT,
     "-snes_type newtonls -npc_snes_type anderson -npc_snes_max_it 4 -snes_npc_side left -snes_mf", ""},
    {CHAIN_NONE, FD, -1, RIGHT, "-snes_type anderson -npc_snes_type ncg -npc_snes_max_it 3 -snes_npc_side left", ""},
    {CHAIN_LOCAL, GIVEN, 0, RIGHT, "-snes_type newtonls -npc_snes_type nasm -snes_npc_side right", ""},
};

/* Both directions at the present point */
static PetscErrorCode Derive(Chain *c, const Row *row, PetscInt seed)
{
  const PetscReal  rtol = row->used == GIVEN ? 1e-6 : 1e-7;
  Vec              x, du, mbar, expected;
  PetscErrorCode   ierr;
  PetscBool        right;
  DiniJacobianType used;

  PetscFunctionBeginUser;
  PetscCall(DiniTestVec(c->u, seed, &x));
  PetscCall(VecDuplicate(c->u, &du));
  PetscCall(VecDuplicate(c->m, &mbar));
  PetscCall(VecDuplicate(c->u, &expected));
  PetscCall(DiniJVP(c->dini, x, du));
  PetscCall(ChainReference(c, PETSC_FALSE, x, expected));
  PetscCall(DiniTestVecsClose(du, expected, rtol, "JVP"));
  PetscCall(ChainReference(c, PETSC_TRUE, x, expected));
  PetscCall(DiniTestCatch());
  ierr = DiniVJP(c->dini, x, mbar);
  PetscCall(DiniTestRightOrError(ierr, mbar, expected, rtol, "VJP", &right));
  DiniTestTrue(right == (row->adjoint == RIGHT), "VJP: %s:\n%s", right ? "out of nowhere" : "refused",
               DiniTestMessages());
  if (!right) PetscCall(DiniTestTextHas(DiniTestMessages(), row->words));
  PetscCall(DiniGetJacobianType(c->dini, &used));
  DiniTestTrue(used == row->used, "J is of type %s, expected %s", DiniJacobianTypes[used],
               DiniJacobianTypes[row->used]);
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&expected));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Two points, so that what is kept from the first one has to be right at the second. */
static PetscErrorCode TestRow(const Row *row, PetscInt N)
{
  Chain          c;
  DiniStatistics s;

  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet(row->options));
  PetscCall(ChainCreate(N, row->gives, &c));
  PetscCall(ChainDini(&c));
  if (row->maxcolumns >= 0) PetscCall(DiniSetJacobianMaxColumns(c.dini, row->maxcolumns));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(Derive(&c, row, 7));
  PetscCall(VecShift(c.m, 0.2));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(Derive(&c, row, 8));
  PetscCall(DiniGetStatistics(c.dini, &s));
  DiniTestTrue(s.forward_residual <= 1e-9, "|F| at the end is %g", (double)s.forward_residual);
  PetscCall(ChainDestroy(&c));
  PetscCall(DiniTestOptionsClear(row->options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscInt only = -1;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-only", &only, NULL)); /* one row, to look at it */
  for (PetscInt k = 0; k < (PetscInt)PETSC_STATIC_ARRAY_LENGTH(rows); k++) {
    if (only >= 0 && k != only) continue;
    if (only >= 0) PetscCall(PetscPrintf(PETSC_COMM_WORLD, "row %d %s\n", (int)rows[k].gives, rows[k].options));
    PetscCall(TestRow(&rows[k], 13));
    if (rows[k].gives < CHAIN_LOCAL && rows[k].adjoint == RIGHT) PetscCall(TestRow(&rows[k], 2 + k % 3));
  }
  PetscCall(PetscFinalize());
  return 0;
}
