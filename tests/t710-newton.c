static char help[] =
    "Newton's methods of Tao on the Hessian: the minimum of quasi-Newton, in fewer steps; prior as preconditioner.\n";

#include "support/fixtures.h"

#if defined(PETSC_USE_COMPLEX)
int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help)); /* Tao has no methods in complex builds */
  PetscCall(PetscFinalize());
  return 0;
}
#else

static PetscErrorCode Minimise(Transport *t, const char type[], PetscBool prior, Vec m, PetscInt *steps,
                               DiniStatistics *s)
{
  Tao                tao;
  TaoConvergedReason reason;
  Mat                P;
  PetscInt           n, N;

  PetscFunctionBeginUser;
  PetscCall(VecSet(t->m, 0.0));
  PetscCall(VecSet(m, 0.0));
  PetscCall(TransportDini(t, DINIPARAMETERMATRIX));
  PetscCall(DiniSetState(t->dini, t->u));
  PetscCall(DiniSetObjective(t->dini, TransportObjective, TransportObjectiveGradient, t));
  if (prior) { /* alpha I, the precision of 1/2 alpha |m|^2 */
    PetscCall(VecGetLocalSize(m, &n));
    PetscCall(VecGetSize(m, &N));
    PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, n, n, N, N, 1, NULL, 0, NULL, &P));
    PetscCall(MatSetUp(P));
    PetscCall(MatAssemblyBegin(P, MAT_FINAL_ASSEMBLY));
    PetscCall(MatAssemblyEnd(P, MAT_FINAL_ASSEMBLY));
    PetscCall(MatShift(P, t->alpha));
    PetscCall(DiniSetHessianPreconditioner(t->dini, P));
    PetscCall(MatDestroy(&P));
  }
  PetscCall(TaoCreate(PETSC_COMM_WORLD, &tao));
  PetscCall(TaoSetType(tao, type));
  PetscCall(TaoSetSolution(tao, m));
  PetscCall(TaoSetTolerances(tao, 0.0, 0.0, 1e-6));
  PetscCall(TaoSetMaximumIterations(tao, 300));
  PetscCall(DiniSetTao(t->dini, tao));
  PetscCall(TaoSetFromOptions(tao));
  PetscCall(TaoSolve(tao));
  PetscCall(TaoGetConvergedReason(tao, &reason));
  DiniTestTrue(reason > 0, "%s stopped with reason %d", type, (int)reason);
  PetscCall(TaoGetIterationNumber(tao, steps));
  PetscCall(DiniGetStatistics(t->dini, s));
  PetscCall(TaoDestroy(&tao));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The Hessian stays where the Tao has asked for it, whatever trial points come after: trust regions count on that */
static PetscErrorCode TestPinned(void)
{
  Transport t;
  Tao       tao;
  Mat       H;
  Vec       m[2], v, Hv, expected;
  PetscReal value;

  PetscFunctionBeginUser;
  PetscCall(TransportCreate(6, 5, &t));
  t.alpha = 0.1;
  PetscCall(TransportDini(&t, DINIPARAMETERMATRIX));
  PetscCall(DiniSetState(t.dini, t.u));
  PetscCall(DiniSetObjective(t.dini, TransportObjective, TransportObjectiveGradient, &t));
  PetscCall(TaoCreate(PETSC_COMM_WORLD, &tao));
  PetscCall(TaoSetType(tao, TAONTR));
  PetscCall(DiniSetTao(t.dini, tao));
  PetscCall(TaoGetHessian(tao, &H, NULL, NULL, NULL));
  PetscCall(DiniCreateParameterVec(t.dini, &m[0]));
  PetscCall(VecDuplicate(m[0], &m[1]));
  PetscCall(VecDuplicate(m[0], &Hv));
  PetscCall(VecDuplicate(m[0], &expected));
  PetscCall(DiniTestVec(m[0], 5, &v));
  PetscCall(VecWAXPY(m[1], 0.3, v, m[0]));
  DiniTestExpect(MatMult(H, v, Hv), PETSC_ERR_ORDER, "TaoComputeHessian()");
  PetscCall(DiniComputeObjective(t.dini, m[0], &value));
  PetscCall(DiniHVP(t.dini, v, expected));
  PetscCall(TaoComputeHessian(tao, m[0], H, H));
  PetscCall(TaoComputeObjective(tao, m[1], &value));
  PetscCall(DiniHVP(t.dini, v, Hv));
  PetscCall(DiniTestVecsDiffer(Hv, expected, 1e-2, "Hessians at two points"));
  PetscCall(MatMult(H, v, Hv));
  PetscCall(DiniTestVecsClose(Hv, expected, 1e-4, "the Hessian of a Tao after a trial point"));
  PetscCall(VecDestroy(&m[0]));
  PetscCall(VecDestroy(&m[1]));
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&Hv));
  PetscCall(VecDestroy(&expected));
  PetscCall(TaoDestroy(&tao));
  PetscCall(TransportDestroy(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Linear iterations a Hessian product, when the Newton steps are solved to this tolerance */
static PetscErrorCode Cost(const char options[], PetscReal *its)
{
  Transport      t;
  Vec            m;
  PetscInt       steps;
  DiniStatistics s;

  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(TransportCreate(6, 5, &t));
  t.alpha = 0.1;
  PetscCall(VecDuplicate(t.m, &m));
  PetscCall(Minimise(&t, TAONLS, PETSC_FALSE, m, &steps, &s));
  *its = (PetscReal)s.tangent_iterations / (PetscReal)s.hessian_products;
  PetscCall(VecDestroy(&m));
  PetscCall(TransportDestroy(&t));
  PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestInexact(void)
{
  PetscReal loose = 0.0, tight = 0.0;

  PetscFunctionBeginUser;
  PetscCall(Cost("-tao_nls_ksp_rtol 1e-2", &loose));
  PetscCall(Cost("-tao_nls_ksp_rtol 1e-8", &tight));
  DiniTestTrue(loose < 0.8 * tight, "%g iterations a product for loose Newton steps, %g for tight ones", (double)loose,
               (double)tight);
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  static const char *const types[] = {TAONLS, TAOBNLS, TAONTR, TAOBNTR};
  PetscInt                 reference, steps;
  DiniStatistics           s;
  Transport                t;
  Vec                      m, minimum;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TransportCreate(6, 5, &t));
  t.alpha = 0.1;
  PetscCall(VecDuplicate(t.m, &m));
  PetscCall(VecDuplicate(t.m, &minimum));
  PetscCall(Minimise(&t, TAOBLMVM, PETSC_FALSE, minimum, &reference, &s));
  DiniTestCount(s.hessian_products, 0, "Hessian products of a quasi-Newton method");
  PetscCall(TransportDestroy(&t));
  for (size_t k = 0; k < sizeof(types) / sizeof(types[0]); k++) {
    for (int prior = 0; prior < (k % 3 ? 1 : 2); prior++) {
      PetscCall(TransportCreate(6, 5, &t));
      t.alpha = 0.1;
      PetscCall(Minimise(&t, types[k], (PetscBool)prior, m, &steps, &s));
      PetscCall(DiniTestVecsClose(m, minimum, 1e-4, types[k]));
      DiniTestTrue(2 * steps < reference, "%s took %" PetscInt_FMT " steps, blmvm %" PetscInt_FMT, types[k], steps,
                   reference);
      DiniTestTrue(s.hessian_products > 0, "%s asked for no Hessian product", types[k]);
      PetscCall(TransportDestroy(&t));
    }
  }
  PetscCall(TestInexact());
  PetscCall(TestPinned());
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&minimum));
  PetscCall(PetscFinalize());
  return 0;
}
#endif
