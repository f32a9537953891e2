#include "pumping.h"

/* s = Q / (4 pi T) W(u, r / B), W = int_u^inf exp(-y - (r/B)^2 / (4 y)) / y dy with u = r^2 S / (4 T t), B^2 = T c; y = u e^z */
PetscReal HantushDrawdown(const Aquifer *app, PetscReal r, PetscReal t)
{
  const PetscReal T = PetscExpReal(PetscRealPart(app->m[0])) * app->thickness;
  const PetscReal S = PetscExpReal(PetscRealPart(app->m[1])) * app->thickness;
  const PetscReal c = PetscExpReal(PetscRealPart(app->m[2]));
  const PetscReal u = r * r * S / (4.0 * T * t), leak = r * r / (4.0 * T * c), most = PetscLogReal(60.0 / u);
  const PetscInt  n = 4000;
  PetscReal       W = 0.0;

  for (PetscInt i = 0; i <= n; i++) { /* Simpson's rule */
    const PetscReal y = u * PetscExpReal(most * (PetscReal)i / (PetscReal)n), w = i == 0 || i == n ? 1.0
                                                                                  : i % 2          ? 4.0
                                                                                                   : 2.0;

    W += w * PetscExpReal(-y - leak / y) * most / (3.0 * (PetscReal)n);
  }
  return app->rate / (4.0 * PETSC_PI * T) * W;
}
