/** Trains 20 steps of the quickstart, with its own loop: `node dist/main.js [KEY=VALUE...]`. */
import { crossEntropy, openTraining, tf, variables, vit } from 'tessera-train/model';

const training = await openTraining('quickstart', {
  set: ['model.width=32', 'model.depth=2', 'training.batchSize=32', ...process.argv.slice(2)],
});
const { model, config } = training;
const parameters = variables(await training.parameters());
const optimizer = training.optimizer();

for await (const batch of training.batches(20)) {
  const { value: loss, grads } = tf.variableGrads(() => {
    const logits = vit(batch.images, parameters, model, batch.hooks);
    return crossEntropy(logits, batch, config.training.labelSmoothing);
  });
  const { step, learningRate } = optimizer.step(parameters, grads);
  console.log(`step ${step}: loss ${loss.arraySync()}, learning rate ${learningRate}`);
  tf.dispose([loss, grads]);
}
