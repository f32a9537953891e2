static char help[] =
    "NaN and errors out of each callback, on all ranks or on one: an error that names it, on all ranks, no hang.\n";

#include "support/fixtures.h"
#include <stddef.h>

typedef struct {
  const char       *name;  /* for messages */
  const char       *words; /* what the error must name */
  size_t            which; /* offset of the fault in Cubic */
  DiniParameterType kind;
} Callback;

#define FAULT_OF(c, callback) (*(Fault *)((char *)(c) + (callback).which))

static PetscErrorCode Serves(Cubic *c, Vec ubar, Vec mbar)
{
  Mat J;

  PetscFunctionBeginUser;
  PetscCall(DiniSolve(c->dini, c->u));
  PetscCall(DiniVJP(c->dini, ubar, mbar));
  PetscCall(MatDuplicate(c->S, MAT_DO_NOT_COPY_VALUES, &J));
  PetscCall(CubicJacobian(c, c->u, J));
  PetscCall(DiniTestDirectSolve(J, PETSC_TRUE, ubar, c->d));
  PetscCall(DiniTestVecsClose(mbar, c->d, 1e-6, "VJP after a callback has failed"));
  PetscCall(MatDestroy(&J));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The callback works during the forward solve and fails when the derivative calls it. */
static PetscErrorCode TestDerivative(DiniType type, Callback callback, Fault fault)
{
  Cubic               c;
  Vec                 ubar, mbar;
  DiniConvergedReason reason;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(9, DiniTestScalar(0.5, 0.3), &c));
  PetscCall(CubicDini(&c, type, callback.kind));
  PetscCall(DiniTestVec(c.u, 1, &ubar));
  PetscCall(VecDuplicate(c.m, &mbar));
  PetscCall(DiniSolve(c.dini, c.u));
  FAULT_OF(&c, callback) = fault;
  if (fault == FAULT_NAN) {
    DiniTestExpect(DiniVJP(c.dini, ubar, mbar), PETSC_ERR_FP, callback.words);
    PetscCall(DiniGetConvergedReason(c.dini, &reason));
    DiniTestTrue(reason == DINI_DIVERGED_NAN, "Reason %d after NaN from %s", (int)reason, callback.name);
  } else DiniTestExpect(DiniVJP(c.dini, ubar, mbar), PETSC_ERR_USER, callback.words);
  FAULT_OF(&c, callback) = FAULT_NONE;
  PetscCall(Serves(&c, ubar, mbar));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* It fails in the forward solve already. An error on one rank only would leave PETSc's own solver hanging, so not that. */
static PetscErrorCode TestForward(DiniType type, Callback callback, Fault fault)
{
  Cubic          c;
  Vec            ubar, mbar;
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(9, DiniTestScalar(0.5, 0.3), &c));
  PetscCall(CubicDini(&c, type, callback.kind));
  PetscCall(DiniTestVec(c.u, 1, &ubar));
  PetscCall(VecDuplicate(c.m, &mbar));
  FAULT_OF(&c, callback) = fault;
  PetscCall(DiniTestCatch());
  ierr = DiniSolve(c.dini, c.u);
  PetscCall(DiniTestCaught(ierr, 0, "", callback.name, __FILE__, __LINE__));
  FAULT_OF(&c, callback) = FAULT_NONE;
  DiniTestExpect(DiniVJP(c.dini, ubar, mbar), PETSC_ERR_ORDER, "");
  PetscCall(VecSet(c.u, 0.0));
  PetscCall(Serves(&c, ubar, mbar));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestUpdate(Fault fault)
{
  Cubic c;
  Vec   ubar, mbar, m;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(9, DiniTestScalar(0.5, 0.3), &c));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERRHS));
  PetscCall(DiniSetParameterUpdate(c.dini, c.p, CubicUpdate, &c));
  c.seen = c.backup;
  PetscCall(DiniTestVec(c.u, 1, &ubar));
  PetscCall(VecDuplicate(c.m, &mbar));
  PetscCall(VecDuplicate(c.m, &m));
  PetscCall(VecSet(m, 3.0));
  PetscCall(Serves(&c, ubar, mbar));
  c.update = fault;
  DiniTestExpect(DiniSetParameters(c.dini, m), PETSC_ERR_USER, "\"m\"");
  c.update = FAULT_NONE;
  PetscCall(DiniSetParameters(c.dini, m));
  PetscCall(Serves(&c, ubar, mbar));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&m));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* NaN handed in by the caller is not blamed on a callback, and does not come back as a result. */
static PetscErrorCode TestArguments(void)
{
  Cubic c;
  Vec   ubar, mbar;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(9, DiniTestScalar(0.5, 0.3), &c));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERRHS));
  PetscCall(DiniTestVec(c.u, 1, &ubar));
  PetscCall(VecDuplicate(c.m, &mbar));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(FaultInject(FAULT_NAN, ubar));
  DiniTestExpectAny(DiniVJP(c.dini, ubar, mbar), "NaN");
  DiniTestExpectAny(DiniJVP(c.dini, ubar, mbar), "NaN");
  PetscCall(DiniTestFill(ubar, 1));
  PetscCall(Serves(&c, ubar, mbar));
  PetscCall(FaultInject(FAULT_NAN, c.m));
  PetscCall(DiniTestCatch());
  {
    PetscErrorCode ierr = DiniSolve(c.dini, c.u);

    PetscCall(DiniTestCaught(ierr, 0, "", "a parameter with NaN", __FILE__, __LINE__));
  }
  PetscCall(VecSet(c.m, 2.0));
  PetscCall(VecSet(c.u, 0.0));
  PetscCall(Serves(&c, ubar, mbar));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  const DiniType types[]     = {DINISNES, DINISHELL};
  const Callback callbacks[] = {
      {"the residual, differenced", "esidual", offsetof(Cubic, residual), DINIPARAMETERFD},
      {"the residual, in a guard", "esidual", offsetof(Cubic, residual), DINIPARAMETERRHS},
      {"the residual, coloured", "esidual", offsetof(Cubic, residual), DINIPARAMETERCOLORING},
      {"the Jacobian", "acobian", offsetof(Cubic, jacobian), DINIPARAMETERRHS},
      {"the fill of F_m", "\"m\"", offsetof(Cubic, fill), DINIPARAMETERMATRIX},
      {"the operator of F_m", "\"m\"", offsetof(Cubic, fill), DINIPARAMETEROPERATOR},
  };
  const Fault faults[] = {FAULT_NAN, FAULT_ERROR, FAULT_ERROR_ONE};

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (int t = 0; t < 2; t++) {
    for (size_t k = 0; k < sizeof(callbacks) / sizeof(*callbacks); k++)
      for (int f = 0; f < 3; f++) PetscCall(TestDerivative(types[t], callbacks[k], faults[f]));
    for (int f = 0; f < 2; f++) {
      PetscCall(TestForward(types[t], callbacks[1], faults[f]));
      PetscCall(TestForward(types[t], callbacks[3], faults[f]));
    }
  }
  {
    const Callback solve = {"the user's solve", "olve", offsetof(Cubic, solve), DINIPARAMETERRHS};

    for (int f = 0; f < 3; f++) PetscCall(TestForward(DINISHELL, solve, faults[f]));
  }
  PetscCall(TestUpdate(FAULT_ERROR));
  PetscCall(TestUpdate(FAULT_ERROR_ONE));
  PetscCall(TestArguments());
  PetscCall(PetscFinalize());
  return 0;
}
