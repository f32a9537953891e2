static char help[] =
    "A pencil whose matrices the application has scaled alike has the same pairs, and DiniEigenAttach() takes them: derivatives\n\
are those of what the assembly callback gives.\n";

#include "support/eigen.h"

typedef struct {
  PetscScalar lambda;
  Vec         x, mbar;
} Derivatives;

/* Of the first pair, along a direction and as a gradient */
static PetscErrorCode Differentiate(Spring *chain, Derivatives *d)
{
  Vec         dm;
  PetscScalar imaginary;

  PetscFunctionBeginUser;
  PetscCall(DiniCreateParameterVec(chain->dini, &dm));
  PetscCall(VecDuplicate(dm, &d->mbar));
  PetscCall(MatCreateVecs(chain->A, &d->x, NULL));
  PetscCall(DiniTestFill(dm, 4));
  PetscCall(DiniEigenvalueJVP(chain->dini, 0, dm, &d->lambda, &imaginary));
  PetscCall(DiniEigenvectorJVP(chain->dini, 0, dm, d->x, NULL));
  PetscCall(DiniEigenvalueVJP(chain->dini, 0, 1.0, 0.0, d->mbar));
  PetscCall(VecDestroy(&dm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DerivativesDestroy(Derivatives *d)
{
  PetscFunctionBeginUser;
  PetscCall(VecDestroy(&d->x));
  PetscCall(VecDestroy(&d->mbar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ScaleAlike(Spring *chain, PetscBool rows)
{
  Vec t;

  PetscFunctionBeginUser;
  PetscCall(MatCreateVecs(chain->A, NULL, &t));
  PetscCall(DiniTestFill(t, 8));
  PetscCall(VecShift(t, 3.0));
  PetscCall(rows ? MatDiagonalScale(chain->A, t, NULL) : MatScale(chain->A, 2.0));
  PetscCall(rows ? MatDiagonalScale(chain->B, t, NULL) : MatScale(chain->B, 2.0));
  PetscCall(VecDestroy(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* before: derivatives have been taken at the solution of Dini's own solve; else they are those of another object */
static PetscErrorCode Test(PetscBool convection, PetscBool rows, PetscBool before)
{
  Spring      chain, other;
  Derivatives right, found;

  PetscFunctionBeginUser;
  PetscCall(SpringCreate(9, convection, PETSC_FALSE, &chain));
  PetscCall(SpringCreate(9, convection, PETSC_FALSE, &other));
  PetscCall(SpringDini(&chain, DINIPARAMETERMATRIX));
  PetscCall(SpringDini(&other, DINIPARAMETERMATRIX));
  PetscCall(DiniEigenSolve(chain.dini));
  PetscCall(DiniEigenSolve(other.dini));
  PetscCall(Differentiate(before ? &chain : &other, &right));
  PetscCall(ScaleAlike(&chain, rows));
  PetscCall(EPSSetOperators(chain.eps, chain.A, chain.B));
  PetscCall(EPSSolve(chain.eps));
  PetscCall(DiniEigenAttach(chain.dini));
  PetscCall(Differentiate(&chain, &found));
  DiniTestClose(PetscRealPart(found.lambda), PetscRealPart(right.lambda), 1e-7, 0.0, "d lambda of a scaled pencil");
  PetscCall(DiniTestVecsClose(found.x, right.x, 1e-6, "dx of a scaled pencil"));
  PetscCall(DiniTestVecsClose(found.mbar, right.mbar, 1e-7, "gradient of an eigenvalue of a scaled pencil"));
  PetscCall(DiniTestMatsClose(chain.A, other.A, 1e-13, "A is that of the callback"));
  PetscCall(DerivativesDestroy(&right));
  PetscCall(DerivativesDestroy(&found));
  PetscCall(SpringDestroy(&chain));
  PetscCall(SpringDestroy(&other));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(SlepcInitialize(&argc, &argv, NULL, help));
  for (int before = 0; before < 2; before++) {
    PetscCall(Test(PETSC_FALSE, PETSC_FALSE, (PetscBool)before));
    PetscCall(Test(PETSC_TRUE, PETSC_FALSE, (PetscBool)before));
    PetscCall(Test(PETSC_TRUE, PETSC_TRUE, (PetscBool)before));
  }
  PetscCall(SlepcFinalize());
  return 0;
}
