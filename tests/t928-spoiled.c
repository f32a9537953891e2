static char help[] =
    "Matrices that somebody has written into while u solves the relation with any numbers, so that no residual tells: u = 0 of\n\
A u = b with b = 0. Whatever way leads on to a derivative, it is that of what the callback fills, or an error.\n";

#include "support/fixtures.h"

typedef enum { SCALED, SHIFTED, ROWS, SPOILS } Spoil;
typedef enum { PLAIN, PINNED, PINNEDBACK, PINNEDELSEWHERE, ATTACHED, SOLVED, CHECKED, WAYS } Way;

static const char *const spoils[SPOILS] = {"scaled", "shifted", "rows zeroed"};
static const char *const ways[WAYS]     = {
        "VJP", "pinned", "pinned, u written", "pinned, moved", "VJP after attach", "VJP after solve", "VJP after a check"};

static PetscErrorCode SpoilMatrix(Mat A, Spoil spoil)
{
  PetscInt lo, hi;

  PetscFunctionBeginUser;
  if (spoil == SCALED) PetscCall(MatScale(A, 1.7));
  if (spoil == SHIFTED) PetscCall(MatShift(A, 2.5));
  if (spoil == ROWS) {
    PetscCall(MatSetOption(A, MAT_KEEP_NONZERO_PATTERN, PETSC_TRUE));
    PetscCall(MatGetOwnershipRange(A, &lo, &hi));
    PetscCall(MatZeroRows(A, hi > lo ? 1 : 0, &lo, 3.0, NULL, NULL));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* F(u, b) = A u - b through the types: A filled by a callback, or given once and for all beside a residual */
typedef struct {
  Linear l; /* of which B is A as it should be */
  Vec    ubar, bbar, expected;
} Case;

static PetscErrorCode System(Dini dini, Mat A, Mat P, Vec b, void *ctx)
{
  Case *c = (Case *)ctx;

  PetscFunctionBeginUser;
  (void)dini, (void)P, (void)b;
  PetscCall(LinearAssemble(&c->l, A, c->l.c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Residual(Dini dini, Vec u, Vec F, void *ctx)
{
  Case *c = (Case *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(MatMult(c->l.B, u, F));
  PetscCall(VecAXPY(F, -1.0, c->l.b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Solve(Dini dini, Vec u, void *ctx)
{
  Case *c = (Case *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(DiniTestDirectSolve(c->l.B, PETSC_FALSE, c->l.b, u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CaseCreate(PetscBool given, Case *c)
{
  Linear *l = &c->l;

  PetscFunctionBeginUser;
  PetscCall(LinearCreate(9, l));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &l->dini));
  if (given) {
    PetscCall(DiniSetType(l->dini, DINISHELL));
    PetscCall(DiniSetResidual(l->dini, Residual, c));
    PetscCall(DiniSetJacobian(l->dini, l->A, l->A, NULL, NULL));
    PetscCall(DiniSetSolve(l->dini, Solve, c));
  } else {
    PetscCall(DiniSetKSP(l->dini, l->ksp));
    PetscCall(DiniSetLinearSystem(l->dini, l->b, System, c));
  }
  PetscCall(DiniAddParameter(l->dini, "b", l->b, &l->p));
  PetscCall(DiniSetParameterType(l->dini, l->p, DINIPARAMETERRHS));
  PetscCall(DiniSetFromOptions(l->dini));
  PetscCall(VecSet(l->b, 0.0));
  PetscCall(VecSet(l->u, 0.0));
  PetscCall(DiniTestVec(l->u, 5, &c->ubar));
  PetscCall(VecDuplicate(c->ubar, &c->bbar));
  PetscCall(VecDuplicate(c->ubar, &c->expected));
  PetscCall(DiniTestDirectSolve(l->B, PETSC_TRUE, c->ubar, c->expected));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CaseDestroy(Case *c)
{
  PetscFunctionBeginUser;
  PetscCall(VecDestroy(&c->ubar));
  PetscCall(VecDestroy(&c->bbar));
  PetscCall(VecDestroy(&c->expected));
  PetscCall(LinearDestroy(&c->l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A solution of another b, from which a pinned derivative is taken back */
static PetscErrorCode Move(Case *c)
{
  PetscFunctionBeginUser;
  PetscCall(VecSet(c->l.b, 1.0));
  PetscCall(DiniSolve(c->l.dini, c->l.u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Differentiate(Case *c, Way way, Mat D)
{
  PetscErrorCode failed;

  PetscFunctionBeginUser;
  if (way == ATTACHED) PetscCall(DiniAttach(c->l.dini, c->l.u));
  if (way == SOLVED) PetscCall(DiniSolve(c->l.dini, c->l.u));
  if (way == CHECKED) PetscCall(DiniCheck(c->l.dini, NULL));
  if (!D) {
    PetscCall(DiniVJP(c->l.dini, c->ubar, c->bbar));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(VecConjugate(c->ubar)); /* MatMultHermitianTranspose() does not free its copy after an error */
  failed = MatMultTranspose(D, c->ubar, c->bbar);
  PetscCall(VecConjugate(c->ubar));
  PetscCall(failed);
  PetscCall(VecConjugate(c->bbar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Test(PetscBool given, PetscBool derived, Spoil spoil, Way way)
{
  Case           c;
  char           what[128];
  Mat            D = NULL;
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(what, sizeof(what), "%s, %s, %s%s", given ? "given" : "a callback", spoils[spoil], ways[way],
                          derived ? ", derived before" : ""));
  PetscCall(CaseCreate(given, &c));
  PetscCall(DiniAttach(c.l.dini, c.l.u));
  if (derived) {
    PetscCall(DiniVJP(c.l.dini, c.ubar, c.bbar));
    PetscCall(DiniTestVecsClose(c.bbar, c.expected, 1e-8, what));
  }
  if (way == PINNED || way == PINNEDBACK || way == PINNEDELSEWHERE)
    PetscCall(DiniCreateDerivative(c.l.dini, c.l.p, &D));
  if (way == PINNEDELSEWHERE) PetscCall(Move(&c));
  PetscCall(SpoilMatrix(c.l.A, spoil));
  if (way == PINNEDBACK) PetscCall(VecSet(c.l.u, 0.3));
  PetscCall(DiniTestCatch());
  ierr = Differentiate(&c, way, D);
  PetscCall(DiniTestRelease());
  /* a matrix that nobody fills again is held against F, and refused */
  DiniTestTrue(given || !ierr, "%s: error %d", what, (int)ierr);
  if (!ierr) PetscCall(DiniTestVecsClose(c.bbar, c.expected, 1e-8, what));
  PetscCall(MatDestroy(&D));
  PetscCall(CaseDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (int given = 0; given < 2; given++)
    for (int derived = 0; derived < 2; derived++)
      for (int spoil = 0; spoil < SPOILS; spoil++)
        for (int way = 0; way < WAYS; way++)
          PetscCall(Test((PetscBool)given, (PetscBool)derived, (Spoil)spoil, (Way)way));
  PetscCall(PetscFinalize());
  return 0;
}
