/* Another Tao for the objective of an inversion than its own: BLMVM, BQNLS or Newton's method BNLS, to a tolerance. */
#include "aquifer.h"

enum { MOST = 5000, HISTORY = 30 };

/* Minimises from x. The unknowns are whitened, so the Newton step's Krylov method goes without a preconditioner; a
   quasi-Newton matrix has the history that the inversion's own has */
PetscErrorCode MinimiserCreate(Inversion *inv, TaoType type, Vec x, PetscReal gatol, const char prefix[], Tao *tao)
{
#if !defined(PETSC_USE_COMPLEX) /* as in inversion.c */
  KSP       ksp;
  PC        pc;
  Mat       hessian;
  PetscBool newton, bqnls;

  PetscFunctionBeginUser;
  PetscCall(TaoCreate(PetscObjectComm((PetscObject)inv->dini), tao));
  PetscCall(TaoSetOptionsPrefix(*tao, prefix));
  PetscCall(TaoSetType(*tao, type));
  PetscCall(TaoSetTolerances(*tao, gatol, 0.0, 0.0));
  PetscCall(TaoSetMaximumIterations(*tao, MOST));
  PetscCall(PetscStrcmp(type, TAOBNLS, &newton));
  PetscCall(PetscStrcmp(type, TAOBQNLS, &bqnls));
  if (newton) {
    PetscCall(TaoGetKSP(*tao, &ksp));
    PetscCall(KSPSetTolerances(ksp, 1e-2, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
    PetscCall(KSPGetPC(ksp, &pc));
    PetscCall(PCSetType(pc, PCNONE));
  } else if (bqnls) {
    PetscCall(TaoGetLMVMMatrix(*tao, &hessian));
    PetscCall(MatLMVMSetHistorySize(hessian, HISTORY));
  }
  PetscCall(TaoSetSolution(*tao, x));
  PetscCall(DiniSetTao(inv->dini, *tao));
  PetscCall(TaoSetFromOptions(*tao));
  PetscFunctionReturn(0);
#else
  PetscFunctionBeginUser;
  (void)inv, (void)type, (void)x, (void)gatol, (void)prefix, (void)tao;
  SETERRQ(PetscObjectComm((PetscObject)inv->dini), PETSC_ERR_SUP, "Tao has no methods for complex scalars");
#endif
}
