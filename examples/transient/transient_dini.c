static char help[] =
    "Two chemicals that react and diffuse in time, Gray and Scott's model, by a TS on a DMDA.\n"
    "  u_t = Du Laplace(u) - u v^2 + f (1 - u),  v_t = Dv Laplace(v) + u v^2 - (f + k) v\n"
    "  Prints the mean of v at the end; transient_dini also prints its gradient by Du, Dv, k and the field f.\n"
    "  Try:  mpiexec -n 2 ./transient_dini -ts_type bdf -ts_adapt_type basic -da_refine 1 -transient_check "
    "-dini_view\n\n";

#include "transient_gradient.h"

int main(int argc, char **argv)
{
  Transient   app;
  TS          ts;
  Dini        dini;
  Vec         u, weights, gradient;
  PetscScalar mean;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TransientCreate(PETSC_COMM_WORLD, &app));
  PetscCall(TransientWeights(&app, &weights));
  PetscCall(DMCreateGlobalVector(app.da, &u));
  PetscCall(TransientInitial(&app, u));

  /* The method by -ts_type; the Jacobian by coloured differences, which TS does by itself on a DMDA */
  PetscCall(TSCreate(PETSC_COMM_WORLD, &ts));
  PetscCall(TSSetDM(ts, app.da));
  PetscCall(TSSetType(ts, TSCN));
  PetscCall(TSSetTimeStep(ts, 5.0));
  PetscCall(TSSetMaxTime(ts, 100.0));
  PetscCall(TSSetExactFinalTime(ts, TS_EXACTFINALTIME_MATCHSTEP));
  PetscCall(TSSetFromOptions(ts));

  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  PetscCall(DiniSetTS(dini, ts));
  PetscCall(DiniAddScalarParameter(dini, "Du", &app.Du, NULL));
  PetscCall(DiniAddScalarParameter(dini, "Dv", &app.Dv, NULL));
  PetscCall(DiniAddScalarParameter(dini, "kill", &app.kill, NULL));
  PetscCall(DiniAddParameter(dini, "feed", app.feed, NULL));
  PetscCall(DiniSetFromOptions(dini));

  PetscCall(TSSolve(ts, u));
  PetscCall(VecDot(u, weights, &mean));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "mean of v = %.10e\n", (double)PetscRealPart(mean)));

  PetscCall(DiniAttach(dini, u));
  PetscCall(DiniCreateParameterVec(dini, &gradient));
  PetscCall(DiniVJP(dini, weights, gradient));
  PetscCall(TransientReportGradient(dini, weights, gradient));

  PetscCall(VecDestroy(&gradient));
  PetscCall(DiniDestroy(&dini));
  PetscCall(TSDestroy(&ts));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&weights));
  PetscCall(TransientDestroy(&app));
  PetscCall(PetscFinalize());
  return 0;
}
